"""What HELP says: one subject per command."""

from __future__ import annotations

HELP: dict[str, tuple[str, ...]] = {
    "admin": ("ADMIN", "Who runs this server."),
    "away": ("AWAY [:TEXT]", "You do not answer; without a text, you do again."),
    "cap": ("CAP LS|LIST|REQ|END", "What your client can do beyond RFC 2812."),
    "help": ("HELP [SUBJECT]", "This."),
    "info": ("INFO", "What this server is."),
    "invite": ("INVITE [NICK #CHANNEL]", "Let somebody in; alone, who has invited you."),
    "ison": ("ISON NICK...", "Which of these are here."),
    "join": ("JOIN #CHANNEL[,...] [KEY[,...]]", "Come into channels; JOIN 0 leaves all."),
    "kick": ("KICK #CHANNEL NICK[,...] [:REASON]", "Put somebody out of a channel."),
    "kill": ("KILL NICK :REASON", "Operators: end a connection."),
    "links": ("LINKS", "The servers of this network."),
    "list": ("LIST [#CHANNEL[,...] | CONDITION[,...]]",
             "The channels. Conditions: >N <N members, C>N C<N minutes since it was made,",
             "T>N T<N minutes since its topic was set, MASK, !MASK."),
    "lusers": ("LUSERS", "How many are here."),
    "mode": ("MODE #CHANNEL [+-MODES [PARAMETER...]] | MODE NICK [+-iwB]",
             "Channel: o v (of members), b e I (lists), k l i m n s t C."),
    "monitor": ("MONITOR +|- NICK[,...] | C | L | S", "Be told who of these comes and goes."),
    "motd": ("MOTD", "The message of the day."),
    "names": ("NAMES #CHANNEL[,...]", "Who is in a channel."),
    "nick": ("NICK NAME", "Be called NAME."),
    "notice": ("NOTICE TARGET[,...] :TEXT", "As PRIVMSG, and nobody answers by itself."),
    "oper": ("OPER NAME PASSWORD", "Become an operator."),
    "part": ("PART #CHANNEL[,...] [:REASON]", "Leave channels."),
    "ping": ("PING TOKEN", "The server answers PONG."),
    "privmsg": ("PRIVMSG TARGET[,...] :TEXT", "Say something to channels or people."),
    "quit": ("QUIT [:REASON]", "Leave."),
    "rehash": ("REHASH", "Operators: read certificate and bans again."),
    "setname": ("SETNAME :TEXT", "Who you are in real life."),
    "stats": ("STATS u", "How long the server has been up."),
    "tagmsg": ("TAGMSG TARGET[,...]", "Tags without a text."),
    "time": ("TIME", "The server's time."),
    "topic": ("TOPIC #CHANNEL [:TEXT]", "What a channel is about."),
    "userhost": ("USERHOST NICK...", "Where these come from, as others see it."),
    "version": ("VERSION", "Which server this is."),
    "wallops": ("WALLOPS :TEXT", "Operators: tell everybody with mode +w."),
    "who": ("WHO [MASK [o%FIELDS[,TOKEN]]]", "Who is in a channel, or is called so."),
    "whois": ("WHOIS NICK", "Who somebody is."),
    "whowas": ("WHOWAS NICK [COUNT]", "Who somebody was."),
}

INDEX = ("There is help on these; HELP SUBJECT shows it:",
         *[" ".join(sorted(name.upper() for name in HELP)[at:at + 10])
           for at in range(0, len(HELP), 10)])
