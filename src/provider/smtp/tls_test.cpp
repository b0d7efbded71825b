// TLS and AUTH: what protects the credentials, and what happens when somebody stands in between.
#include "base/error.hpp"
#include "provider/smtp/relay_fixture.hpp"
#include "support/test_certificates.hpp"

namespace countersign::provider::smtp::test {
namespace {

using countersign::test::TestCertificates;

const TestCertificates& certificates() {
  static const TestCertificates shared("127.0.0.1");
  return shared;
}

Script offering_tls() {
  Script script;
  script.extensions = {"PIPELINING", "STARTTLS"};
  script.extensions_under_tls = {"PIPELINING", "AUTH PLAIN LOGIN"};
  script.username = "agent";
  script.password = "s3cret";
  return script;
}

ScriptedSmtpServer* serve(std::unique_ptr<ScriptedSmtpServer>& owner, Script script,
                          const TestCertificates& with = certificates()) {
  owner = std::make_unique<ScriptedSmtpServer>(std::vector<Script>{std::move(script)},
                                               with.certificate_file(), with.key_file());
  return owner.get();
}

RelayOptions secure_options(const ScriptedSmtpServer& server) {
  RelayOptions options = plain_options(server);
  options.tls = TlsMode::starttls;
  options.tls_ca_file = certificates().ca_file();
  options.username = "agent";
  options.password = "s3cret";
  return options;
}

TEST(Tls, StartTlsThenAuthPlainThenTheMessage) {
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, offering_tls());
  Client client(secure_options(*server));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  client.drain();
  ASSERT_TRUE(server->wait_for_ended(1));
  EXPECT_EQ(server->transcript(0), R"(S: 220 relay.test ESMTP
C: EHLO client.test
S: 250-relay.test
S: 250-PIPELINING
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
-- TLS --
C: EHLO client.test
S: 250-relay.test
S: 250-PIPELINING
S: 250 AUTH PLAIN LOGIN
C: AUTH PLAIN AGFnZW50AHMzY3JldA==
S: 235 2.7.0 Authentication successful
C: MAIL FROM:<agent@here.example>
C: RCPT TO:<b@x.example>
C: DATA
S: 250 2.1.0 Ok
S: 250 2.1.5 Ok
S: 354 End data with <CR><LF>.<CR><LF>
C: [content, 21 octets]
C: .
S: 250 2.0.0 Ok: queued as TEST1
C: QUIT
S: 221 2.0.0 Bye
-- closed by the server --
)");
}

TEST(Tls, ImplicitTlsAndAuthLogin) {
  Script script = offering_tls();
  script.implicit_tls = true;
  script.extensions_under_tls = {"AUTH LOGIN"};
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, script);
  RelayOptions options = secure_options(*server);
  options.tls = TlsMode::implicit;
  Client client(options);
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  EXPECT_THAT(server->transcript(0), testing::StartsWith(R"(-- TLS --
S: 220 relay.test ESMTP
C: EHLO client.test
S: 250-relay.test
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: YWdlbnQ=
S: 334 UGFzc3dvcmQ6
C: czNjcmV0
S: 235 2.7.0 Authentication successful
C: MAIL)"));
}

TEST(Tls, ALargeMessageGoesThroughTls) {
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, offering_tls());
  Client client(secure_options(*server));
  std::string raw = "Subject: large\r\n\r\n";
  while (raw.size() < 1'000'000) raw += ".dots and more dots\r\n";
  EXPECT_EQ(client.send(message_to({"b@x.example"}, raw)).verdict, Verdict::accepted);
  ASSERT_EQ(server->messages().size(), 1U);
  EXPECT_EQ(server->messages()[0].content, raw);
}

TEST(Tls, ACertificateForAnotherNameIsRefused) {
  const TestCertificates other("relay.other.example");
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, offering_tls(), other);
  RelayOptions options = secure_options(*server);
  options.tls_ca_file = other.ca_file();
  Client client(options);
  const Reply reply = client.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::tls);
  EXPECT_THAT(reply.text, testing::HasSubstr("certificate: IP address mismatch"));
  options.tls_name = "relay.other.example";
  Client expecting_it(options);
  EXPECT_EQ(expecting_it.send_to({"b@x.example"}).verdict, Verdict::accepted);
  options.tls_name = "relay.another.example";
  Client expecting_another(options);
  EXPECT_THAT(expecting_another.send_to({"b@x.example"}).text, testing::HasSubstr("hostname mismatch"));
}

TEST(Tls, ACertificateOfAnUnknownAuthorityIsRefusedInEveryMode) {
  const TestCertificates stranger("127.0.0.1");
  for (const TlsMode mode : {TlsMode::starttls, TlsMode::opportunistic, TlsMode::implicit}) {
    Script script = offering_tls();
    script.implicit_tls = mode == TlsMode::implicit;
    std::unique_ptr<ScriptedSmtpServer> server;
    serve(server, script, stranger);
    RelayOptions options = secure_options(*server);
    options.tls = mode;
    Client client(options);
    const Reply reply = client.send_to({"b@x.example"});
    EXPECT_EQ(reply.verdict, Verdict::session_fault);
    EXPECT_EQ(reply.phase, Phase::tls);
    EXPECT_THAT(reply.text, testing::HasSubstr("certificate: unable to get local issuer certificate"));
    ASSERT_TRUE(server->wait_for_ended(1));
    EXPECT_THAT(server->transcript(0), testing::Not(testing::HasSubstr("AUTH PLAIN A")));
    options.tls_verify = false;
    Client trusting(options);
    EXPECT_EQ(trusting.send_to({"b@x.example"}).verdict, Verdict::accepted);
  }
}

TEST(Tls, ARelayWithoutStartTlsIsRefusedWhereItIsRequiredAndTakenWhereItIsNot) {
  Script script = offering_tls();
  script.extensions = {"PIPELINING", "AUTH PLAIN"};
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, script);
  RelayOptions options = secure_options(*server);
  Client strict(options);
  const Reply reply = strict.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::tls);
  EXPECT_THAT(reply.text, testing::HasSubstr("does not offer STARTTLS"));
  options.tls = TlsMode::opportunistic;
  Client lenient(options);
  EXPECT_EQ(lenient.send_to({"b@x.example"}).verdict, Verdict::accepted);
}

// Somebody in the middle adds bytes in clear behind the 220, to be taken for the server's words under TLS.
TEST(Tls, BytesInClearBehindTheAnswerToStartTlsAreAFault) {
  Script script = offering_tls();
  script.replies["STARTTLS"] = {"220 2.0.0 go\r\n250-injected\r\n250 AUTH PLAIN"};
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, script);
  Client client(secure_options(*server));
  const Reply reply = client.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::tls);
  EXPECT_THAT(reply.text, testing::HasSubstr("data in clear"));
}

// Both records are in one segment, so that the second is read from the socket together with the first.
TEST(Tls, AnAnswerInARecordOfItsOwnThatCameEarlyKeepsTheDotBack) {
  Script script = offering_tls();
  script.record_per_line = true;
  script.replies["DATA"] = {"354 go ahead\r\n421 4.3.2 closing"};
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, script);
  Client client(secure_options(*server));
  const Reply reply = client.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::body);
  EXPECT_EQ(reply.code, 421);
  ASSERT_TRUE(server->wait_for_ended(1));
  EXPECT_FALSE(server->saw_final_dot());
}

TEST(Tls, AHandshakeThatNeverEndsIsGivenUpAtItsDeadline) {
  Script script;
  script.replies["greeting"] = {say_and_hold()};
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, script);
  RelayOptions options = secure_options(*server);
  options.tls = TlsMode::implicit;
  options.deadlines.tls = std::chrono::milliseconds(60);
  Client client(options);
  const Reply reply = client.send_to({"b@x.example"});
  EXPECT_EQ(reply.phase, Phase::tls);
  EXPECT_THAT(reply.text, testing::HasSubstr("deadline exceeded"));
}

TEST(Tls, ARefusedOrBrokenStartTlsIsTheSessionsFault) {
  for (const auto& answer : {countersign::test::Say("454 4.7.0 TLS not available"),
                             say_and_close("421 4.3.2 bye"), say_and_close(), say_and_close("220 go")}) {
    Script script = offering_tls();
    script.replies["STARTTLS"] = {answer};
    std::unique_ptr<ScriptedSmtpServer> server;
    serve(server, script);
    RelayOptions options = secure_options(*server);
    options.tls = TlsMode::opportunistic;
    Client client(options);
    const Reply reply = client.send_to({"b@x.example"});
    EXPECT_EQ(reply.verdict, Verdict::session_fault) << answer.text;
    EXPECT_EQ(reply.phase, Phase::tls) << answer.text;
  }
}

TEST(Tls, AMissingCaFileIsFoundWhenTheTransportIsMade) {
  RelayOptions options;
  options.host = "relay.example";
  options.tls_ca_file = "/nonexistent/ca.pem";
  EXPECT_THROW(Client client(options), EnvironmentError);
}

TEST(Auth, AWrongPasswordIsTheSessionsFaultNotTheMessages) {
  for (const std::string mechanism : {"AUTH PLAIN", "AUTH LOGIN"}) {
    Script script = offering_tls();
    script.extensions_under_tls = {mechanism};
    std::unique_ptr<ScriptedSmtpServer> server;
    serve(server, script);
    RelayOptions options = secure_options(*server);
    options.password = "yesterday's";
    Client client(options);
    const Reply reply = client.send_to({"b@x.example"});
    EXPECT_EQ(reply.verdict, Verdict::session_fault) << mechanism;
    EXPECT_EQ(reply.phase, Phase::auth) << mechanism;
    EXPECT_EQ(reply.code, 535) << mechanism;
    EXPECT_EQ(reply.enhanced, "5.7.8") << mechanism;
  }
}

TEST(Auth, ALongPasswordWaitsForTheServersGoAhead) {
  Script script = offering_tls();
  script.password = std::string(500, 'p');
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, script);
  RelayOptions options = secure_options(*server);
  options.password = script.password;
  Client client(options);
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  EXPECT_THAT(server->transcript(0), testing::HasSubstr("C: AUTH PLAIN\nS: 334 \nC: AGFn"));
}

TEST(Auth, ARelayWithoutAUsableMechanismIsTheSessionsFault) {
  Script script = offering_tls();
  script.extensions_under_tls = {"AUTH CRAM-MD5 XOAUTH2"};
  std::unique_ptr<ScriptedSmtpServer> server;
  serve(server, script);
  Client client(secure_options(*server));
  const Reply reply = client.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::auth);
}

TEST(Auth, ACutOrSilenceWhileAuthenticatingIsTheSessionsFault) {
  for (const auto& answer : {say_and_close(), say_and_hold(), say_and_close("421 4.3.2 bye")}) {
    Script script = offering_tls();
    script.replies["AUTH"] = {answer};
    std::unique_ptr<ScriptedSmtpServer> server;
    serve(server, script);
    RelayOptions options = secure_options(*server);
    if (answer.then == countersign::test::Say::Then::hold) {
      options.deadlines.auth = std::chrono::milliseconds(60);
    }
    Client client(options);
    const Reply reply = client.send_to({"b@x.example"});
    EXPECT_EQ(reply.verdict, Verdict::session_fault);
    EXPECT_EQ(reply.phase, Phase::auth);
  }
}

}  // namespace
}  // namespace countersign::provider::smtp::test
