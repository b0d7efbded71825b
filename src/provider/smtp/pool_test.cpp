// Connections between messages: reuse, limits, and the end.
#include <boost/asio/detached.hpp>

#include "base/error.hpp"
#include "provider/smtp/relay_fixture.hpp"

namespace countersign::provider::smtp::test {
namespace {

using countersign::test::Say;

int count(const std::string& text, const std::string& word) {
  int found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST(Pool, SeveralMessagesShareAConnectionWithoutReset) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  client.drain();
  ASSERT_TRUE(server.wait_for_ended(1));
  EXPECT_EQ(server.connections(), 1U);
  EXPECT_EQ(server.messages().size(), 3U);
  EXPECT_EQ(count(server.transcript(0), "C: EHLO"), 1);
  EXPECT_EQ(count(server.transcript(0), "C: RSET"), 0);
  EXPECT_EQ(count(server.transcript(0), "C: QUIT"), 1);
}

TEST(Pool, AConnectionEndsAfterItsNumberOfMessages) {
  ScriptedSmtpServer server({Script{}});
  RelayOptions options = plain_options(server);
  options.messages_per_connection_max = 2;
  Client client(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  EXPECT_EQ(server.connections(), 2U);
  client.drain();
  ASSERT_TRUE(server.wait_for_ended(2));
  EXPECT_EQ(count(server.transcript(0), "C: [content"), 2);
  EXPECT_EQ(count(server.transcript(0), "C: QUIT"), 1);
}

TEST(Pool, ARefusedMessageLeavesTheConnectionUsable) {
  Script script;
  script.replies["."] = {"554 5.7.1 spam", "250 2.0.0 Ok"};
  script.replies["DATA"] = {"354 go", "451 4.3.0 later", "354 go"};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::refused);
  const Reply deferred = client.send_to({"b@x.example"});
  EXPECT_EQ(deferred.verdict, Verdict::deferred);
  EXPECT_EQ(deferred.phase, Phase::data);
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  EXPECT_EQ(server.connections(), 1U);
}

// The relay may end an idle connection at any time; the next message must not suffer from it, nor be sent
// twice.
TEST(Pool, AConnectionThatDiedWhileIdleIsReplacedWithoutAWord) {
  for (const Say& farewell : {say_and_close(), say_and_reset(), say_and_close("421 4.4.2 idle too long")}) {
    Script first;
    first.replies["idle"] = {farewell};
    ScriptedSmtpServer server({first, Script{}});
    Client client(plain_options(server));
    EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
    ASSERT_TRUE(server.wait_for_ended(1));
    CountingFence fence;
    EXPECT_EQ(client.send(message_to({"b@x.example"}), fence.fence()).verdict, Verdict::accepted);
    EXPECT_EQ(fence.asked(), 1);
    EXPECT_EQ(server.connections(), 2U);
    EXPECT_EQ(server.messages().size(), 2U);
  }
}

TEST(Pool, AReplacementThatFailsTooIsReported) {
  Script first;
  first.replies["MAIL"] = {"250 2.1.0 Ok", say_and_close("421 4.3.2 closing")};
  Script second;
  second.replies["greeting"] = {"554 5.3.2 no service"};
  ScriptedSmtpServer server({first, second});
  Client client(plain_options(server));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  const Reply reply = client.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_EQ(reply.phase, Phase::greeting);
  EXPECT_EQ(reply.code, 554);
  EXPECT_EQ(server.connections(), 2U);
}

TEST(Pool, AFaultLaterThanTheFirstWordsIsNotRepeated) {
  Script script;
  script.replies["RCPT"] = {"250 2.1.5 Ok", say_and_close("421 4.3.2 closing")};
  ScriptedSmtpServer server({script});
  Client client(plain_options(server));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::session_fault);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Pool, AnIdleConnectionIsEndedPolitely) {
  ScriptedSmtpServer server({Script{}});
  RelayOptions options = plain_options(server);
  options.deadlines.idle = std::chrono::milliseconds(30);
  Client client(options);
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  client.io().restart();
  client.io().run();  // until nothing is left to wait for
  ASSERT_TRUE(server.wait_for_ended(1));
  EXPECT_EQ(count(server.transcript(0), "C: QUIT"), 1);
}

TEST(Pool, NoMoreConnectionsThanAllowedAndNobodyIsForgotten) {
  ScriptedSmtpServer server({Script{}});
  RelayOptions options = plain_options(server);
  options.connections_max = 3;
  Client client(options);
  constexpr int kMessages = 20;
  int accepted = 0;
  for (int i = 0; i < kMessages; ++i) {
    auto one = [&]() -> boost::asio::awaitable<void> {
      CountingFence fence;
      HandOver message = message_to({"b@x.example"});
      Fence ask = fence.fence();
      const Reply reply = co_await client.transport().hand_over(std::move(message), std::move(ask));
      accepted += reply.verdict == Verdict::accepted ? 1 : 0;
    };
    boost::asio::co_spawn(client.io(), one, boost::asio::detached);
  }
  client.drain();
  EXPECT_LE(server.connections(), 3U);
  EXPECT_EQ(static_cast<int>(server.messages().size()), accepted);
}

TEST(Pool, AfterDrainNothingIsTaken) {
  ScriptedSmtpServer server({Script{}});
  Client client(plain_options(server));
  EXPECT_EQ(client.send_to({"b@x.example"}).verdict, Verdict::accepted);
  client.drain();
  ASSERT_TRUE(server.wait_for_ended(1));
  const Reply reply = client.send_to({"b@x.example"});
  EXPECT_EQ(reply.verdict, Verdict::session_fault);
  EXPECT_THAT(reply.text, testing::HasSubstr("shutting down"));
  client.drain();
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Pool, ConnectionsWorkFromSeveralThreads) {
  ScriptedSmtpServer server({Script{}});
  boost::asio::io_context io;
  RelayOptions options = plain_options(server);
  options.connections_max = 4;
  options.messages_per_connection_max = 7;
  options.deadlines.idle = std::chrono::milliseconds(1);
  SmtpTransport transport(io.get_executor(), options);
  constexpr int kMessages = 200;
  std::atomic<int> accepted = 0;
  std::atomic<int> fences = 0;
  for (int i = 0; i < kMessages; ++i) {
    auto one = [&]() -> boost::asio::awaitable<void> {
      Fence fence = [&]() -> boost::asio::awaitable<bool> {
        ++fences;
        co_return true;
      };
      HandOver message = message_to({"b@x.example"});
      const Reply reply = co_await transport.hand_over(std::move(message), std::move(fence));
      accepted += reply.verdict == Verdict::accepted ? 1 : 0;
    };
    boost::asio::co_spawn(io, one, boost::asio::detached);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&io] { io.run(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, kMessages);
  EXPECT_EQ(fences, kMessages);
  EXPECT_EQ(server.messages().size(), static_cast<std::size_t>(kMessages));
}

TEST(Pool, ConfigurationThatCannotBePutIntoACommandIsRefused) {
  RelayOptions options;
  options.host = "relay.example";
  options.helo_name = "x\r\nMAIL FROM:<>";
  EXPECT_THROW(Client client(options), EnvironmentError);
  options.helo_name = "client.test";
  options.host = "";
  EXPECT_THROW(Client client(options), EnvironmentError);
  options.host = "relay.example";
  options.username = std::string("a\0b", 3);
  EXPECT_THROW(Client client(options), EnvironmentError);
}

}  // namespace
}  // namespace countersign::provider::smtp::test
