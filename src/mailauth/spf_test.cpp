// SPF against the facts of the published RFC 7208 test suite (openspf.org, release 2014.04;
// testdata/rfc7208.json holds its zones, questions and results) and against what the suite leaves open.
#include "mailauth/spf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <fstream>
#include <iterator>

#include "mailauth/spf_record.hpp"
#include "support/zone_resolver.hpp"

namespace countersign::mailauth {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using test::ZoneResolver;

std::string_view name_of(SpfStatus status) {
  switch (status) {
    case SpfStatus::pass:
      return "pass";
    case SpfStatus::fail:
      return "fail";
    case SpfStatus::none:
      return "none";
    case SpfStatus::neutral:
      return "neutral";
    case SpfStatus::softfail:
      return "softfail";
    case SpfStatus::temperror:
      return "temperror";
    case SpfStatus::permerror:
      return "permerror";
  }
  return "";
}

SpfVerdict verdict_of(ZoneResolver& zone, const Origin& origin, net::Timers& timers = net::steady_timers()) {
  asio::io_context io;
  SpfContext context{
      .receiver = "mx.receiver.example", .now = from_us(1'700'000'000'000'000), .timers = timers};
  auto verdict = asio::co_spawn(io, check_host(zone, origin, context), asio::use_future);
  io.run();
  return verdict.get();
}

Origin origin_of(const std::string& client, const std::string& mail_from,
                 const std::string& helo = "mail.helo.example") {
  return {asio::ip::make_address(client), helo, mail_from};
}

std::string status_of(ZoneResolver& zone, const std::string& client, const std::string& mail_from) {
  return std::string(name_of(verdict_of(zone, origin_of(client, mail_from)).status));
}

TEST(SpfTest, JudgesEveryCaseOfThePublishedSuiteAsItAsks) {
  std::ifstream file("src/mailauth/testdata/rfc7208.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::size_t judged = 0;
  for (const auto& scenario : json::parse(text).as_array()) {
    ZoneResolver zone;
    for (const auto& line : scenario.at("zone").as_array()) {
      const auto record = json::value_to<std::vector<std::string>>(line);
      zone.add(record.at(0), record.at(1), record.at(2));
    }
    for (const auto& entry : scenario.at("cases").as_array()) {
      const auto& fields = entry.as_object();
      const auto field = [&](const char* name) { return json::value_to<std::string>(fields.at(name)); };
      SCOPED_TRACE(field("id") + " (" + field("rfc") + ")");
      const auto verdict = verdict_of(zone, origin_of(field("client"), field("mail_from"), field("helo")));
      const auto accepted = json::value_to<std::vector<std::string>>(fields.at("results"));
      EXPECT_THAT(accepted, testing::Contains(std::string(name_of(verdict.status)))) << verdict.reason;
      if (fields.contains("explanation")) {
        EXPECT_EQ(verdict.explanation, field("explanation"));
      }
      ++judged;
    }
  }
  EXPECT_EQ(judged, 203U);
}

TEST(SpfTest, TheNullSenderIsJudgedByHelo) {
  ZoneResolver zone(R"(mail.helo.example TXT "v=spf1 ip4:192.0.2.1 -all")");
  EXPECT_EQ(status_of(zone, "192.0.2.1", ""), "pass");
  EXPECT_EQ(status_of(zone, "192.0.2.2", ""), "fail");
}

TEST(SpfTest, ASenderWithoutADomainHasNoPolicy) {
  ZoneResolver zone;
  EXPECT_EQ(status_of(zone, "192.0.2.1", "postmaster"), "none");
  EXPECT_EQ(status_of(zone, "192.0.2.1", "a@"), "none");
  EXPECT_TRUE(zone.questions().empty());
}

TEST(SpfTest, AnUnicodeDomainIsAskedByItsALabels) {
  ZoneResolver zone(R"(xn--bcher-kva.example TXT "v=spf1 ip4:192.0.2.1 -all")");
  EXPECT_EQ(status_of(zone, "192.0.2.1",
                      "a@B\xC3\xBC"
                      "cher.example"),
            "pass");
}

TEST(SpfTest, ALocalPartOutsideAsciiMatchesNothing) {
  ZoneResolver zone(R"(example.com TXT "v=spf1 exists:%{l}.example.com -all")");
  zone.add("b\xC3\xBC.example.com", "A", "192.0.2.1");
  EXPECT_EQ(status_of(zone, "192.0.2.1", "b\xC3\xBC@example.com"), "fail");
  EXPECT_THAT(zone.questions(), testing::ElementsAre("TXT example.com"));
}

TEST(SpfTest, AFailureOfTheDnsIsNeverAPass) {
  for (const auto* term : {"include:x.example", "a:x.example", "mx:x.example", "exists:x.example"}) {
    ZoneResolver zone("x.example FAIL");
    zone.add_txt("example.com", std::string("v=spf1 ") + term + " +all");
    EXPECT_EQ(status_of(zone, "192.0.2.1", "a@example.com"), "temperror") << term;
  }
}

TEST(SpfTest, WhatTheClientsOwnDnsFailsToAnswerOnlyTakesItsNamesAway) {
  ZoneResolver zone(R"(1.2.0.192.in-addr.arpa FAIL
    example.com TXT "v=spf1 ptr -all")");
  EXPECT_EQ(status_of(zone, "192.0.2.1", "a@example.com"), "fail");
}

TEST(SpfTest, AnExplanationIsShownInPrintableAsciiOnly) {
  ZoneResolver zone(R"(example.com TXT "v=spf1 -all exp=why.example.com"
    why.example.com TXT "%{l} <b>no</b>")");
  const auto verdict = verdict_of(zone, origin_of("192.0.2.1", "\"a\x1B[2J\r\n\"@example.com"));
  EXPECT_EQ(verdict.explanation, "\"a?[2J??\" <b>no</b>");
}

TEST(SpfTest, ReceiverAndTimeAreKnownToExplanations) {
  ZoneResolver zone(R"(example.com TXT "v=spf1 -all exp=why.example.com"
    why.example.com TXT "%{r} %{t} %{c} %{I} %{h1} %{o} %{v}")");
  EXPECT_EQ(verdict_of(zone, origin_of("192.0.2.1", "a@example.com")).explanation,
            "mx.receiver.example 1700000000 192.0.2.1 192.0.2.1 example example.com in-addr");
}

/// Steady time that goes on by a second with every look at it.
class TickingTimers final : public net::Timers {
 public:
  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::time_point(++seconds_ * 1s);
  }
  std::unique_ptr<net::Timer> make(const asio::any_io_executor& executor) override {
    return net::steady_timers().make(executor);
  }

 private:
  mutable int seconds_ = 0;
};

TEST(SpfTest, APolicyThatTakesTooLongIsATemporaryError) {
  ZoneResolver zone(R"(example.com TXT "v=spf1 mx:a.example mx:b.example mx:c.example +all")");
  for (const std::string domain : {"a.example", "b.example", "c.example"}) {
    for (int host = 0; host < 9; ++host) {
      const auto name = "h" + std::to_string(host) + "." + domain;
      zone.add(domain, "MX", "10 " + name);
      zone.add(name, "A", "192.0.2.99");
    }
  }
  TickingTimers timers;
  EXPECT_EQ(verdict_of(zone, origin_of("192.0.2.1", "a@example.com"), timers).status, SpfStatus::temperror);
  EXPECT_LE(zone.questions().size(), 20U);
  EXPECT_EQ(status_of(zone, "192.0.2.1", "a@example.com"), "pass");
}

TEST(SpfTest, NamesOfTheClientCostOneTermForTheMacroP) {
  ZoneResolver zone(
      R"(example.com TXT "v=spf1 a a a a a a a a exists:%{p}.x.example.com exists:%{p}.y.example.com +all"
    example.com A 192.0.2.200
    1.2.0.192.in-addr.arpa PTR mail.example.com
    mail.example.com A 192.0.2.1)");
  EXPECT_EQ(status_of(zone, "192.0.2.1", "a@example.com"), "permerror");
}

TEST(SpfTest, TenNamesOfTheClientAreLookedAt) {
  for (int names = 9; names <= 10; ++names) {
    ZoneResolver zone(R"(example.com TXT "v=spf1 ptr -all"
      mail.example.com A 192.0.2.1)");
    for (int i = 0; i < names; ++i) {
      zone.add("1.2.0.192.in-addr.arpa", "PTR", "n" + std::to_string(i) + ".elsewhere.example");
      zone.add("n" + std::to_string(i) + ".elsewhere.example", "A", "192.0.2.1");
    }
    zone.add("1.2.0.192.in-addr.arpa PTR mail.example.com");
    EXPECT_EQ(status_of(zone, "192.0.2.1", "a@example.com"), names < 10 ? "pass" : "fail");
  }
}

TEST(SpfTest, AnyBytesInARecordGiveAVerdict) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::string before :
         {"v=spf1 ", "v=spf1 a:", "v=spf1 ip4:", "v=spf1 exists:%{", "v=spf1 a/"}) {
      ZoneResolver zone;
      zone.add_txt("example.com", before + static_cast<char>(byte));
      const auto status = status_of(zone, "192.0.2.1", "a@example.com");
      EXPECT_THAT(status, testing::AnyOf("permerror", "neutral")) << before << byte;
    }
  }
}

}  // namespace
}  // namespace countersign::mailauth
