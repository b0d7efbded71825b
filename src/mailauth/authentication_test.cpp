// Whole messages: zone, origin and header in testdata/authentication_cases.json with the statuses they must
// get; the complete objects are the golden file next to it.
#include "mailauth/authentication.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "mailauth/arc.hpp"
#include "support/zone_resolver.hpp"

namespace countersign::mailauth {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr const char* kCases = "src/mailauth/testdata/authentication_cases.json";
constexpr const char* kGolden = "src/mailauth/testdata/authentication.golden";

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Authentication authentication_of(test::ZoneResolver& zone, const Origin& origin, const std::string& raw) {
  asio::io_context io;
  auto result =
      asio::co_spawn(io, authenticate(zone, origin, raw, from_us(1'700'000'000'000'000)), asio::use_future);
  io.run();
  return result.get();
}

TEST(AuthenticationTest, JudgesEveryCaseOfTheTableAndShowsItByTheContract) {
  const auto table = json::parse(read_file(kCases)).as_object();
  test::ZoneResolver zone;
  for (const auto& line : table.at("zone").as_array()) zone.add(line.as_string());
  std::string shown;
  for (const auto& entry : table.at("cases").as_array()) {
    const auto field = [&](const char* name) { return json::value_to<std::string>(entry.at(name)); };
    SCOPED_TRACE(field("name"));
    const Origin origin{asio::ip::make_address(field("client")), field("helo"), field("mail_from")};
    const auto result = authentication_of(zone, origin, field("header") + "\r\n\r\nbody\r\n");
    const auto view = to_json(result);
    EXPECT_EQ(view.at("spf").at("status").as_string(), field("spf"));
    EXPECT_EQ(view.at("dmarc").at("status").as_string(), field("dmarc"));
    EXPECT_EQ(result.verified_domain().has_value(), field("dmarc") == "pass");
    EXPECT_EQ(result.temporary_error(), field("spf") == "temperror" || field("dmarc") == "temperror");
    shown += field("name") + "\n  " + json::serialize(view) + "\n";
  }
  if (std::getenv("COUNTERSIGN_UPDATE_GOLDEN") != nullptr) std::ofstream(kGolden) << shown;
  EXPECT_EQ(shown, read_file(kGolden));
}

TEST(AuthenticationTest, ShowsEveryMemberThatTheContractWantsAndDetailOnlyWhenThereIsOne) {
  EXPECT_EQ(json::serialize(to_json(Authentication())),
            R"({"spf":{"status":"none","domain":null,"aligned":null},"dkim":[],)"
            R"("dmarc":{"status":"none","domain":null,"policy":null,"aligned_by":[]}})");
  Authentication full;
  full.spf = {SpfStatus::softfail, "a.example", false, "why"};
  full.dkim = {{DkimStatus::policy, "b.example", "s", true, ""},
               {DkimStatus::permerror, {}, {}, {}, "x\xFF"}};
  full.dmarc = {DmarcStatus::pass, "c.example", DmarcPolicy::quarantine, false, true, ""};
  full.arc = {ArcStatus::fail, "d.example"};
  EXPECT_EQ(json::serialize(to_json(full)),
            R"({"spf":{"status":"softfail","domain":"a.example","aligned":false,"detail":"why"},)"
            R"("dkim":[{"status":"policy","domain":"b.example","selector":"s","aligned":true},)"
            R"({"status":"permerror","domain":null,"selector":null,"aligned":null,"detail":"x?"}],)"
            R"("dmarc":{"status":"pass","domain":"c.example","policy":"quarantine","aligned_by":["dkim"]},)"
            R"("arc":{"status":"fail","sealed_by":"d.example"}})");
}

class SignedMailTest : public testing::Test {
 protected:
  // RFC 8463 appendix A: two signatures of football.example.com, and From is joe@football.example.com.
  SignedMailTest()
      : raw_(read_file("src/mailauth/testdata/rfc8463_a.eml")),
        zone_(read_file("src/mailauth/testdata/rfc.zone")) {
    zone_.add(R"(forwarder.example TXT "v=spf1 ip4:192.0.2.1 -all")");
  }
  Authentication received() { return received_from("a@forwarder.example"); }
  Authentication received_from(const std::string& mail_from) {
    const Origin origin{asio::ip::make_address("192.0.2.1"), "mail.forwarder.example", mail_from};
    return authentication_of(zone_, origin, raw_);
  }

  std::string raw_;
  test::ZoneResolver zone_;
};

TEST_F(SignedMailTest, DkimAloneLetsForwardedMailPassDmarc) {
  zone_.add(R"(_dmarc.football.example.com TXT "v=DMARC1; p=reject; adkim=s; aspf=s")");
  const auto result = received();
  EXPECT_EQ(result.spf.status, SpfStatus::pass);
  EXPECT_EQ(result.spf.aligned, false);
  ASSERT_EQ(result.dkim.size(), 2U);
  EXPECT_EQ(result.dkim[0].aligned, true);
  EXPECT_EQ(result.dkim[1].aligned, true);
  EXPECT_EQ(json::serialize(to_json(result).at("dmarc")),
            R"({"status":"pass","domain":"football.example.com","policy":"reject","aligned_by":["dkim"]})");
  EXPECT_EQ(result.verified_domain(), "football.example.com");
}

TEST_F(SignedMailTest, DkimLetsItPassAlsoWhereSpfFails) {
  zone_.add(R"(football.example.com TXT "v=spf1 -all"
    _dmarc.football.example.com TXT "v=DMARC1; p=reject")");
  const auto result = received_from("joe@football.example.com");
  EXPECT_EQ(result.spf.status, SpfStatus::fail);
  EXPECT_EQ(result.spf.aligned, std::nullopt);
  EXPECT_EQ(result.dmarc.status, DmarcStatus::pass);
  EXPECT_FALSE(result.dmarc.spf_aligned);
  EXPECT_TRUE(result.dmarc.dkim_aligned);
}

TEST_F(SignedMailTest, AChangedBodyFails) {
  zone_.add(R"(_dmarc.football.example.com TXT "v=DMARC1; p=reject")");
  raw_ += "One more line.\r\n";
  const auto result = received();
  EXPECT_EQ(result.dmarc.status, DmarcStatus::fail);
  EXPECT_EQ(result.dkim[0].aligned, std::nullopt);
  EXPECT_EQ(result.verified_domain(), std::nullopt);
}

TEST_F(SignedMailTest, KeysThatCannotBeHadAreATemporaryErrorAndNeverAPass) {
  zone_.clear();
  zone_.add(R"(brisbane._domainkey.football.example.com FAIL
    test._domainkey.football.example.com FAIL
    _dmarc.football.example.com TXT "v=DMARC1; p=reject")");
  const auto result = received();
  EXPECT_EQ(result.dmarc.status, DmarcStatus::temperror);
  EXPECT_TRUE(result.temporary_error());
  EXPECT_EQ(result.verified_domain(), std::nullopt);
}

TEST_F(SignedMailTest, AForgedFromIsNotHelpedByTheValidSignatureOfAnother) {
  zone_.add(R"(_dmarc.bank.example TXT "v=DMARC1; p=reject")");
  const auto at = raw_.find("From: ");
  raw_.replace(at, raw_.find("\r\n", at) - at, "From: a@bank.example\r\nX: joe@football.example.com");
  const auto result = received();
  EXPECT_EQ(result.dmarc.status, DmarcStatus::fail);
  EXPECT_EQ(result.dmarc.domain, "bank.example");
}

// To whoever reads it the header ends at a line that is no field: what stands behind would be shown as text.
TEST_F(SignedMailTest, AHeaderThatReadersEndEarlyIsVouchedForByNobody) {
  zone_.add(R"(_dmarc.football.example.com TXT "v=DMARC1; p=reject")");
  const std::string signed_mail = raw_;
  const auto behind_from = raw_.find("\r\n", raw_.find("From: ")) + 2;
  for (const std::string_view line : {"Pay the bill below", "Two words: x", "\xc3\xa9: x", ": x"}) {
    raw_ = signed_mail;
    raw_.insert(behind_from, std::string(line) + "\r\n");
    const auto result = received();
    ASSERT_EQ(result.dkim.size(), 2U) << line;
    EXPECT_EQ(result.dkim[0].status, DkimStatus::policy) << line;
    EXPECT_EQ(result.dmarc.status, DmarcStatus::fail) << line;
    raw_ = std::string(line) + "\r\n" + signed_mail;
    EXPECT_NE(received().dmarc.status, DmarcStatus::pass) << line;
  }
}

TEST_F(SignedMailTest, WhatAServerOfOurOwnHandsOnSaysNothingOfTheSendersAddress) {
  zone_.add(R"(football.example.com TXT "v=spf1 ip4:192.0.2.1 -all"
    _dmarc.football.example.com TXT "v=DMARC1; p=reject")");
  raw_ += "One more line.\r\n";
  const Origin direct{asio::ip::make_address("192.0.2.1"), "mx.example", "joe@football.example.com"};
  EXPECT_EQ(authentication_of(zone_, direct, raw_).dmarc.status, DmarcStatus::pass);
  Origin handed_on = direct;
  handed_on.from_own_server = true;
  const auto result = authentication_of(zone_, handed_on, raw_);
  EXPECT_EQ(result.spf.status, SpfStatus::none);
  EXPECT_THAT(result.spf.detail, testing::HasSubstr("handed on"));
  EXPECT_EQ(result.dmarc.status, DmarcStatus::fail);
}

TEST_F(SignedMailTest, AChainWithMoreKeysThanAreAskedForIsNotBelieved) {
  const auto questions = [&](int instances) {
    std::string chain;
    for (int i = instances; i > 0; --i) {
      chain += fmt::format(
          "ARC-Seal: i={0}; a=rsa-sha256; cv={1}; d=example.com; s=s{0}; b=AAAA\r\n"
          "ARC-Message-Signature: i={0}; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s{0}; h=from; "
          "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
          "ARC-Authentication-Results: i={0}; example.com; none\r\n",
          i, i == 1 ? "none" : "pass");
    }
    const std::size_t before = zone_.questions().size();
    const Origin origin{asio::ip::make_address("192.0.2.1"), "mx.example", ""};
    const auto result = authentication_of(zone_, origin, chain + "From: a@example.com\r\n\r\n");
    EXPECT_EQ(result.arc.status, ArcStatus::fail);
    const auto& asked = zone_.questions();
    return std::count_if(
        asked.begin() + static_cast<std::ptrdiff_t>(before), asked.end(),
        [](const std::string& name) { return name.find("_domainkey") != std::string::npos; });
  };
  EXPECT_EQ(questions(static_cast<int>(kSealKeysMax)), 1) << "the newest signature, which does not hold";
  EXPECT_EQ(questions(static_cast<int>(kSealKeysMax) + 1), 0);
}

TEST(AuthenticationTest, AnyBytesGiveAResult) {
  test::ZoneResolver zone;
  std::string raw;
  for (int byte = 0; byte < 256; ++byte) raw += static_cast<char>(byte);
  const Origin origin{asio::ip::make_address("192.0.2.1"), raw, raw + "@" + raw};
  const auto result = authentication_of(zone, origin, "From: " + raw);
  EXPECT_EQ(result.spf.status, SpfStatus::none);
  EXPECT_EQ(result.spf.domain, std::nullopt);
  EXPECT_NE(result.dmarc.status, DmarcStatus::pass);
  EXPECT_NO_THROW(json::serialize(to_json(result)));
}

}  // namespace
}  // namespace countersign::mailauth
