// What the tests of the relay client share: a client on its own io_context, messages, fences.
#pragma once

#include <gmock/gmock.h>

#include <utility>

#include "provider/hand_over_fixture.hpp"
#include "provider/smtp/smtp_transport.hpp"
#include "support/scripted_smtp_server.hpp"

namespace countersign::provider::smtp::test {

using countersign::test::ReceivedMessage;
using countersign::test::say_and_close;
using countersign::test::say_and_hold;
using countersign::test::say_and_reset;
using countersign::test::say_and_stall;
using countersign::test::Script;
using countersign::test::ScriptedSmtpServer;

using provider::test::CountingFence;
using provider::test::message_to;

/// A relay client and the thread it runs on: the test's own.
class Client : public provider::test::TransportOwner<SmtpTransport> {
 public:
  explicit Client(RelayOptions options)
      : TransportOwner(
            [&](auto executor) { return std::make_unique<SmtpTransport>(executor, std::move(options)); }) {}
};

/// In clear, to the server on this machine.
inline RelayOptions plain_options(const ScriptedSmtpServer& server) {
  RelayOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.tls = TlsMode::none;
  options.helo_name = "client.test";
  options.deadlines.connect = std::chrono::minutes(5);  // those shorter than a busy machine may stand still
  options.deadlines.reset = std::chrono::minutes(5);
  return options;
}

}  // namespace countersign::provider::smtp::test
