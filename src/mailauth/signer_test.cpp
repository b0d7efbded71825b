// What is signed here is judged by the verifier of this module; other verifiers judge it in tests/interop and
// tests/e2e.
#include "mailauth/signer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <sstream>

#include "mailauth/dkim.hpp"
#include "support/zone_resolver.hpp"

namespace countersign::mailauth {
namespace {

using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::SizeIs;

const UtcTime kAt = from_us(1'795'000'000'000'000);
constexpr const char* kMail =
    "From: \"Agent via e2a\"\r\n <Agent@Agents.Example.COM>\r\nTo: a@example.net\r\nSubject: Hello\r\n"
    "Date: Thu, 19 Nov 2026 02:26:40 +0000\r\nMessage-ID: <1@example.com>\r\nX-E2A-Message-ID: msg_1\r\n"
    "X-Other: not signed\r\n\r\nHello  there \r\n\r\n";

std::vector<SigningIdentity> both() {
  static const SigningKey rsa = SigningKey::generate(SigningAlgorithm::rsa);
  static const SigningKey ed25519 = SigningKey::generate(SigningAlgorithm::ed25519);
  return {{"example.com", "r", rsa}, {"example.com", "e", ed25519}};
}

std::vector<DkimResult> verify(std::string_view raw) {
  test::ZoneResolver dns;
  for (const SigningIdentity& identity : both()) {
    dns.add_txt(dns_name(identity.selector, identity.domain), identity.key.dns_record());
  }
  boost::asio::io_context io;
  auto result = boost::asio::co_spawn(io, verify_dkim(dns, raw, kAt), boost::asio::use_future);
  io.run();
  return result.get();
}

auto all_are(DkimStatus status) { return Each(Field(&DkimResult::status, status)); }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Sign, makes_a_valid_signature_with_each_key) {
  const std::string fields = sign(kMail, both(), kAt);
  const auto results = verify(fields + kMail);
  ASSERT_THAT(results, SizeIs(2));
  EXPECT_THAT(results, all_are(DkimStatus::pass));
  EXPECT_THAT(fields, HasSubstr("t=1795000000;"));
}

TEST(Sign, gives_the_same_octets_every_time) {
  EXPECT_EQ(sign(kMail, both(), kAt), sign(kMail, both(), kAt));
  EXPECT_NE(sign(kMail, both(), kAt), sign(kMail, both(), kAt + std::chrono::seconds(1)));
}

TEST(Sign, covers_what_must_not_change_and_leaves_the_rest) {
  const std::string raw = sign(kMail, both(), kAt) + kMail;
  EXPECT_THAT(verify(replaced(raw, "X-Other: not", "X-Other: never")), all_are(DkimStatus::pass));
  EXPECT_THAT(verify(replaced(raw, "Hello  there ", "Hello there")), all_are(DkimStatus::pass));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"Subject: Hello", "Subject: Hallo"},
           {"To: a@", "To: b@"},
           {"Message-ID: <1", "Message-ID: <2"},
           {"X-E2A-Message-ID: msg_1", "X-E2A-Message-ID: msg_2"},
           {"Thu, 19", "Fri, 20"},
           {"\r\nFrom: ", "\r\nFrom: ceo@example.com\r\nFrom: "},
           {"there", "where"}}) {
    EXPECT_THAT(verify(replaced(raw, from, to)), all_are(DkimStatus::fail)) << from;
  }
}

TEST(Sign, leaves_out_what_the_provider_writes_itself) {
  const std::string raw = sign(kMail, both(), kAt, Onward::new_date_and_id) + kMail;
  const std::string rewritten =
      replaced(replaced(raw, "Message-ID: <1", "Message-ID: <2"), "Thu, 19", "Fri, 20");
  EXPECT_THAT(verify(rewritten), all_are(DkimStatus::pass));
}

TEST(Sign, folds_its_field_into_short_lines) {
  std::string header = kMail;
  for (int i = 0; i < 40; ++i) header = "X-E2A-Field-" + std::to_string(i) + ": v\r\n" + header;
  const std::string fields = sign(header, both(), kAt);
  EXPECT_THAT(verify(fields + header), all_are(DkimStatus::pass));
  std::istringstream lines(fields);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 79u) << line;
}

TEST(Sign, signs_nothing_that_has_no_sender) {
  EXPECT_EQ(sign("Subject: x\r\n\r\n", both(), kAt), "");
  EXPECT_EQ(sign(kMail, {}, kAt), "");
  EXPECT_EQ(sign("From: a@example.com\r\nX: " + std::string(300'000, 'x') + "\r\n\r\n", both(), kAt), "");
}

TEST(SigningKeyTest, is_read_back_from_each_form) {
  for (const SigningIdentity& identity : both()) {
    for (const std::string& form : {identity.key.to_der(), identity.key.to_pem()}) {
      const auto again = SigningKey::read(form);
      ASSERT_TRUE(again.has_value());
      EXPECT_EQ(again->algorithm(), identity.key.algorithm());
      EXPECT_EQ(again->dns_record(), identity.key.dns_record());
      EXPECT_EQ(again->sign(Sha256()), identity.key.sign(Sha256()));
    }
  }
  EXPECT_FALSE(SigningKey::read("no key").has_value());
  EXPECT_FALSE(SigningKey::read("").has_value());
}

TEST(SigningKeyTest, has_the_record_that_the_contract_describes) {
  EXPECT_THAT(both()[0].key.dns_record(),
              MatchesRegex("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A[A-Za-z0-9+/]+=*"));
  EXPECT_THAT(both()[1].key.dns_record(), MatchesRegex("v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}="));
  EXPECT_EQ(selector_for(kAt), "e2a202611");
  EXPECT_EQ(dns_name("e2a202611", "example.com"), "e2a202611._domainkey.example.com");
}

TEST(FromDomain, is_found_behind_names_and_folds) {
  EXPECT_EQ(from_domain(kMail), "agents.example.com");
  EXPECT_EQ(from_domain("From: a@B.example\r\n\r\n"), "b.example");
  EXPECT_EQ(from_domain("Subject: x\r\n\r\n"), "");
}

TEST(ComposedAt, reads_the_date_that_composing_wrote) {
  EXPECT_EQ(composed_at("Date: " + to_rfc5322(kAt) + "\r\n\r\n"), kAt);
  EXPECT_EQ(composed_at("Date: yesterday\r\n\r\n"), std::nullopt);
  EXPECT_EQ(composed_at("Date: Thu, 19 Nov 2026 02:26:40 +0100\r\n\r\n"), std::nullopt);
  EXPECT_EQ(composed_at("\r\n"), std::nullopt);
}

}  // namespace
}  // namespace countersign::mailauth
