// Every reply of the receiver but those to EHLO. Enhanced codes by RFC 2034 and RFC 3463 in all of classes 2,
// 4 and 5, except where RFC 2034 §4 has none (greeting, EHLO).
#pragma once

#include <string_view>

namespace countersign::inbound::smtp::reply {

using Text = std::string_view;

inline constexpr Text kOk = "250 2.0.0 Ok\r\n";
inline constexpr Text kSender = "250 2.1.0 Sender ok\r\n";
inline constexpr Text kRecipient = "250 2.1.5 Recipient ok\r\n";
inline constexpr Text kStartMail = "354 End data with <CR><LF>.<CR><LF>\r\n";
inline constexpr Text kTaken = "250 2.0.0 Message stored\r\n";
inline constexpr Text kBye = "221 2.0.0 Bye\r\n";
inline constexpr Text kReadyForTls = "220 2.0.0 Ready to start TLS\r\n";
inline constexpr Text kCannotVerify = "252 2.5.2 Cannot verify here; RCPT says whether a mailbox exists\r\n";
inline constexpr Text kHelp =
    "214-2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS QUIT\r\n"
    "214 2.0.0 Mail for the agents of this deployment only; see RFC 5321\r\n";
inline constexpr Text kHelpLmtp =
    "214-2.0.0 Commands: LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS QUIT\r\n"
    "214 2.0.0 Mail for the agents of this deployment only; see RFC 2033\r\n";

// Commands.
inline constexpr Text kUnknownCommand = "500 5.5.2 Command not recognised\r\n";
inline constexpr Text kLineTooLong = "500 5.5.2 Command line too long\r\n";
inline constexpr Text kBadLineEnd =
    "500 5.5.2 A line ends with <CR><LF>, and holds neither character elsewhere, nor NUL; closing\r\n";
inline constexpr Text kNotImplemented = "502 5.5.1 Command not implemented\r\n";
inline constexpr Text kNoAuth =
    "502 5.5.1 No authentication here: this server only receives mail for its agents\r\n";
inline constexpr Text kNoTls = "502 5.5.1 TLS is not offered here\r\n";
inline constexpr Text kTlsAlready = "503 5.5.1 TLS is active already\r\n";
inline constexpr Text kSayLhlo = "500 5.5.1 This is LMTP: say LHLO\r\n";
inline constexpr Text kSayEhlo = "500 5.5.1 This is SMTP: say EHLO\r\n";
inline constexpr Text kNoArgument = "501 5.5.4 This command takes no argument\r\n";
inline constexpr Text kBadHelo = "501 5.5.4 Name yourself: a domain or an address literal\r\n";
inline constexpr Text kHelloFirst = "503 5.5.1 Introduce yourself first (EHLO)\r\n";
inline constexpr Text kHelloFirstLmtp = "503 5.5.1 Introduce yourself first (LHLO)\r\n";
inline constexpr Text kMailFirst = "503 5.5.1 MAIL comes first\r\n";
inline constexpr Text kNestedMail = "503 5.5.1 A transaction is under way: RSET ends it\r\n";
inline constexpr Text kRecipientFirst = "503 5.5.1 RCPT comes first\r\n";
inline constexpr Text kNoValidRecipients = "554 5.5.1 No valid recipients\r\n";
inline constexpr Text kNoValidRecipientsLmtp = "503 5.5.1 No valid recipients\r\n";  // RFC 2033 §4.2
inline constexpr Text kDataAfterChunk = "503 5.5.1 DATA cannot follow BDAT in one transaction\r\n";
inline constexpr Text kRecipientAfterChunk = "503 5.5.1 RCPT cannot follow BDAT in one transaction\r\n";
inline constexpr Text kChunkRefused = "503 5.5.1 A chunk of this message was refused: RSET first\r\n";
inline constexpr Text kNotMail = "421 4.7.0 This is a mail server; closing\r\n";
inline constexpr Text kPlaintextAfterStartTls = "554 5.7.0 Nothing may follow STARTTLS in clear; closing\r\n";

// Parameters.
inline constexpr Text kMailSyntax = "501 5.5.4 Syntax: MAIL FROM:<address> [parameters]\r\n";
inline constexpr Text kRcptSyntax = "501 5.5.4 Syntax: RCPT TO:<address>\r\n";
inline constexpr Text kBdatSyntax = "501 5.5.4 Syntax: BDAT octets [LAST]; closing\r\n";
inline constexpr Text kBadSender = "501 5.1.7 Bad syntax of the sender's address\r\n";
inline constexpr Text kBadRecipient = "501 5.1.3 Bad syntax of the recipient's address\r\n";
inline constexpr Text kNeedsSmtputf8 = "553 5.6.7 An address outside ASCII needs SMTPUTF8\r\n";
inline constexpr Text kBadParameter = "501 5.5.4 Malformed or repeated parameter\r\n";
inline constexpr Text kUnknownParameter = "555 5.5.4 Unknown parameter\r\n";
inline constexpr Text kBodyNotOffered = "504 5.5.4 BODY is 7BIT or 8BITMIME here\r\n";

// Recipients.
inline constexpr Text kNoSuchMailbox = "550 5.1.1 No such mailbox here\r\n";
inline constexpr Text kOverQuota = "552 5.2.2 Mailbox full\r\n";
inline constexpr Text kTooManyRecipients =
    "452 4.5.3 Too many recipients; send the rest in another transaction\r\n";
inline constexpr Text kUnavailable = "451 4.3.0 Not now: nothing was stored, try again later\r\n";
inline constexpr Text kMixed = "451 4.3.0 Stored for some recipients only, try again later\r\n";
inline constexpr Text kLoop = "554 5.4.6 Mail loop\r\n";

// Content.
inline constexpr Text kTooLarge = "552 5.3.4 Message too large\r\n";
inline constexpr Text kHeaderTooLarge = "552 5.3.4 Header too large\r\n";
inline constexpr Text kTextLineTooLong = "554 5.6.0 A line of the message is too long\r\n";
inline constexpr Text kBareLineEnd =
    "554 5.6.0 Bare <CR> or <LF> in the message (RFC 5321 section 2.3.8); closing\r\n";
inline constexpr Text kNoRoom = "452 4.3.1 No room for this message now, try again later\r\n";
inline constexpr Text kFlood = "552 5.3.4 Far more than this server takes; closing\r\n";
inline constexpr Text kTooManyChunks = "421 4.7.0 Too many chunks; closing\r\n";

// The end of a connection (RFC 5321 §3.8).
inline constexpr Text kTimeout = "421 4.4.2 Timed out waiting for you; closing\r\n";
inline constexpr Text kStopping = "421 4.3.2 Server is stopping; closing\r\n";
inline constexpr Text kTooManyConnections = "421 4.3.2 Too many connections, try again later\r\n";
inline constexpr Text kTooManyFromYou = "421 4.7.0 Too many connections from your address\r\n";
inline constexpr Text kTooManyErrors = "421 4.7.0 Too many errors; closing\r\n";
inline constexpr Text kTooManyUnknown = "421 4.7.0 Too many refused recipients; closing\r\n";
inline constexpr Text kTooManyCommands = "421 4.7.0 Too many commands without a message; closing\r\n";
inline constexpr Text kTooManyTransactions =
    "421 4.7.0 Enough messages over this connection, open another\r\n";

}  // namespace countersign::inbound::smtp::reply
