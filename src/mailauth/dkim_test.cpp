// Signatures of the RFCs, whole and with one thing changed; keys of every kind.
#include "mailauth/dkim.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>
#include <sstream>

#include "mailauth/dkim_key.hpp"
#include "mailauth/dkim_tags.hpp"
#include "support/zone_resolver.hpp"

namespace countersign::mailauth {

void PrintTo(const DkimResult& result, std::ostream* out) {
  *out << "status " << static_cast<int>(result.status) << " (" << result.detail << ")";
}

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

std::string read_file(const std::string& name) {
  std::ifstream file("src/mailauth/testdata/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

// 2018-06-10, the day of the signatures in RFC 8463.
const UtcTime kThen = from_us(1'528'640'000'000'000);

std::vector<DkimResult> verify(net::DnsResolver& dns, std::string_view raw, UtcTime now = kThen) {
  boost::asio::io_context io;
  auto result = boost::asio::co_spawn(io, verify_dkim(dns, raw, now), boost::asio::use_future);
  io.run();
  return result.get();
}

testing::Matcher<DkimResult> is(DkimStatus status, const std::string& detail) {
  return AllOf(Field(&DkimResult::status, status), Field(&DkimResult::detail, HasSubstr(detail)));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

class DkimTest : public testing::Test {
 protected:
  test::ZoneResolver dns_{read_file("rfc.zone")};
  const std::string rsa_ = read_file("rfc6376_a.eml");
  const std::string both_ = read_file("rfc8463_a.eml");
  // The record of the key that rsa_ is signed with.
  [[nodiscard]] std::string rsa_p() const {
    const std::string zone = read_file("rfc.zone");
    const std::size_t at = zone.find("p=");
    return zone.substr(at, zone.find('"', at) - at);
  }
  std::vector<DkimResult> verify_with_record(const std::string& record) {
    test::ZoneResolver dns;
    dns.add_txt("brisbane._domainkey.example.com", record);
    return verify(dns, rsa_);
  }
};

TEST_F(DkimTest, the_signature_of_rfc_6376_is_valid) {
  const auto results = verify(dns_, rsa_);
  ASSERT_THAT(results, ElementsAre(is(DkimStatus::pass, "")));
  EXPECT_THAT(results[0].domain, Optional(std::string("example.com")));
  EXPECT_THAT(results[0].selector, Optional(std::string("brisbane")));
  EXPECT_THAT(results[0].detail, IsEmpty());
}

TEST_F(DkimTest, both_signatures_of_rfc_8463_are_valid) {
  const auto results = verify(dns_, both_);
  ASSERT_THAT(results, ElementsAre(is(DkimStatus::pass, ""), is(DkimStatus::pass, "")));
  EXPECT_THAT(results[0].selector, Optional(std::string("brisbane")));
  EXPECT_THAT(results[1].selector, Optional(std::string("test")));
}

TEST_F(DkimTest, unsigned_mail_has_no_results) {
  EXPECT_THAT(verify(dns_, "From: a@example.com\r\n\r\nhello\r\n"), IsEmpty());
  EXPECT_THAT(verify(dns_, ""), IsEmpty());
  EXPECT_THAT(verify(dns_, "\r\nDKIM-Signature: v=1\r\n"), IsEmpty());
}

TEST_F(DkimTest, a_changed_body_or_header_fails) {
  EXPECT_THAT(verify(dns_, replaced(rsa_, "lost", "won")), ElementsAre(is(DkimStatus::fail, "bh=")));
  EXPECT_THAT(verify(dns_, replaced(rsa_, "dinner", "supper")), ElementsAre(is(DkimStatus::fail, "b=")));
  // simple sees blanks, relaxed does not.
  EXPECT_THAT(verify(dns_, replaced(rsa_, "Subject: Is", "Subject:  Is")),
              ElementsAre(is(DkimStatus::fail, "b=")));
  EXPECT_THAT(verify(dns_, replaced(both_, "Subject: Is", "SUBJECT  :\t Is\r\n ")),
              ElementsAre(is(DkimStatus::pass, ""), is(DkimStatus::pass, "")));
}

TEST_F(DkimTest, a_field_that_is_signed_as_absent_must_not_appear) {
  const std::string second = replaced(both_, "From: Joe", "Subject: urgent\r\nFrom: Joe");
  EXPECT_THAT(verify(dns_, second), ElementsAre(is(DkimStatus::fail, "b="), is(DkimStatus::fail, "b=")));
  const std::string unsigned_field = replaced(both_, "From: Joe", "Comments: x\r\nFrom: Joe");
  EXPECT_THAT(verify(dns_, unsigned_field), ElementsAre(is(DkimStatus::pass, ""), is(DkimStatus::pass, "")));
}

TEST_F(DkimTest, empty_lines_at_the_end_of_the_body_do_not_count) {
  EXPECT_THAT(verify(dns_, rsa_ + "\r\n\r\n"), ElementsAre(is(DkimStatus::pass, "")));
  EXPECT_THAT(verify(dns_, rsa_.substr(0, rsa_.size() - 2)), ElementsAre(is(DkimStatus::pass, "")));
  EXPECT_THAT(verify(dns_, both_ + " \r\n\t\r\n"),
              ElementsAre(is(DkimStatus::pass, ""), is(DkimStatus::pass, "")));
  EXPECT_THAT(verify(dns_, rsa_ + " \r\n"), ElementsAre(is(DkimStatus::fail, "bh=")));
}

TEST_F(DkimTest, what_is_wrong_with_a_signature_is_said) {
  const struct {
    const char* from;
    const char* to;
    DkimStatus status;
    const char* detail;
  } kCases[] = {
      {"v=1;", "v=2;", DkimStatus::permerror, "version"},
      {"v=1; ", "", DkimStatus::permerror, "version"},
      {"v=1;", "v=1; v=1;", DkimStatus::permerror, "v= stands there twice"},
      {"v=1;", "v=1;;", DkimStatus::permerror, "tag=value"},
      {"v=1;", "v=1; 1x=2;", DkimStatus::permerror, "proper name"},
      {"v=1;", "v=1; z=\x01;", DkimStatus::permerror, "z= is malformed"},
      {"a=rsa-sha256", "a=rsa-sha1", DkimStatus::permerror, "RFC 8301"},
      {"a=rsa-sha256", "a=rsa-sha512", DkimStatus::permerror, "unknown (a=)"},
      {"a=rsa-sha256", "a=ed25519-sha256", DkimStatus::permerror, "another algorithm (k=)"},
      {"a=rsa-sha256; ", "", DkimStatus::permerror, "a= is missing"},
      {"d=example.com", "d=example..com", DkimStatus::permerror, "d="},
      {"d=example.com", "d=com", DkimStatus::permerror, "d="},
      {"d=example.com", "d=exampl\xc3\xa9.com", DkimStatus::permerror, "d="},
      {"s=brisbane", "s=", DkimStatus::permerror, "s="},
      {"s=brisbane", "s=sydney", DkimStatus::permerror, "no key"},
      {"c=simple/simple", "c=simple/tight", DkimStatus::permerror, "c="},
      {"c=simple/simple", "c=relaxed/simple", DkimStatus::fail, "b="},
      {"c=simple/simple", "c=simple", DkimStatus::fail, "b="},
      {"q=dns/txt", "q=http/json", DkimStatus::permerror, "q="},
      {"q=dns/txt", "q=http/json:dns/txt", DkimStatus::fail, "b="},
      {"i=joe@football.example.com", "i=joe@badexample.com", DkimStatus::permerror, "within d="},
      {"i=joe@football.example.com", "i=example.com", DkimStatus::permerror, "no @"},
      {"Received : From :", "Received :", DkimStatus::permerror, "From field"},
      {"Received : From", "Received :: From", DkimStatus::permerror, "h= is malformed"},
      {"q=dns/txt", "t=1528640301; x=1528640302", DkimStatus::policy, "future"},
      {"q=dns/txt", "t=1528640300", DkimStatus::fail, "b="},
      {"q=dns/txt", "x=1528639699", DkimStatus::policy, "expired"},
      {"q=dns/txt", "x=1528639700", DkimStatus::fail, "b="},
      {"q=dns/txt", "t=1528630000; x=1528630000", DkimStatus::permerror, "x= is not after t="},
      {"q=dns/txt", "t=1234567890123", DkimStatus::permerror, "t= is no time"},
      {"q=dns/txt", "l=-1", DkimStatus::permerror, "l= is no number"},
      {"q=dns/txt", "l=99999999999999999999999", DkimStatus::permerror, "longer than the body"},
      {"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=", "bh=2jUS", DkimStatus::permerror, "bh="},
      {"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=", "bh=AAAAAH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
       DkimStatus::fail, "bh="},
      {"b=AuUo", "b=!", DkimStatus::permerror, "b= is malformed"},
      {"b=AuUo", "b=BuUo", DkimStatus::fail, "b="},
  };
  for (const auto& [from, to, status, detail] : kCases) {
    EXPECT_THAT(verify(dns_, replaced(rsa_, from, to)), ElementsAre(is(status, detail)))
        << from << " -> " << to;
  }
}

TEST_F(DkimTest, domain_and_selector_of_a_signature_that_does_not_count_are_told) {
  const auto results = verify(dns_, replaced(rsa_, "c=simple/simple", "c=loose"));
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_THAT(results[0].domain, Optional(std::string("example.com")));
  EXPECT_THAT(results[0].selector, Optional(std::string("brisbane")));
}

TEST_F(DkimTest, what_is_wrong_with_a_key_is_said) {
  const std::string p = rsa_p();
  const struct {
    std::string record;
    DkimStatus status;
    const char* detail;
  } kCases[] = {
      {p, DkimStatus::pass, ""},
      {p + ";", DkimStatus::pass, ""},
      {"v=DKIM1; k=rsa; h=sha1:sha256; s=email; n=note; x=y; " + p, DkimStatus::pass, ""},
      {"v=DKIM1; t=y; " + p, DkimStatus::pass, "testing"},
      {"v=DKIM1; t=s; " + p, DkimStatus::permerror, "t=s"},
      {"v=DKIM1; p=", DkimStatus::permerror, "revoked"},
      {"v=DKIM1; k=rsa", DkimStatus::permerror, "no p="},
      {"v=DKIM1; h=sha1; " + p, DkimStatus::permerror, "h="},
      {"v=DKIM1; s=tlsrpt; " + p, DkimStatus::permerror, "s="},
      {"v=DKIM1; k=dsa; " + p, DkimStatus::permerror, "unknown type"},
      {"v=DKIM1; k=ed25519; " + p, DkimStatus::permerror, "cannot be decoded"},
      {"v=DKIM1; p=AAAA", DkimStatus::permerror, "cannot be decoded"},
      {"v=DKIM1; " + p + "AAAA", DkimStatus::permerror, "cannot be decoded"},
      {"v=DKIM1; p=" + std::string(5000, 'A'), DkimStatus::permerror, "no key"},
      {"k=rsa; v=DKIM1; " + p, DkimStatus::permerror, "version"},
      {"v=DKIM2; " + p, DkimStatus::permerror, "no key"},
      {"v=spf1 -all", DkimStatus::permerror, "no key"},
      {"", DkimStatus::permerror, "no key"},
  };
  for (const auto& [record, status, detail] : kCases) {
    EXPECT_THAT(verify_with_record(record), ElementsAre(is(status, detail))) << record;
  }
}

TEST_F(DkimTest, a_testing_domain_is_not_blamed_for_a_broken_signature) {
  test::ZoneResolver dns;
  dns.add_txt("brisbane._domainkey.example.com", "v=DKIM1; t=y:x; " + rsa_p());
  EXPECT_THAT(verify(dns, replaced(rsa_, "lost", "won")), ElementsAre(is(DkimStatus::neutral, "t=y")));
}

TEST_F(DkimTest, of_several_keys_under_one_name_the_right_one_is_found) {
  test::ZoneResolver dns;
  const std::string name = "brisbane._domainkey.example.com";
  dns.add_txt(name, "v=spf1 -all");
  dns.add_txt(name, "v=DKIM1; p=");
  dns.add_txt(name, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  dns.add_txt(name, "v=DKIM1; " + rsa_p());
  EXPECT_THAT(verify(dns, rsa_), ElementsAre(is(DkimStatus::pass, "")));
}

TEST_F(DkimTest, a_field_above_the_signed_one_of_its_name_is_policy) {
  EXPECT_THAT(verify(dns_, "Subject: Another dinner\r\n" + rsa_),
              ElementsAre(is(DkimStatus::policy, "subject")));
  EXPECT_THAT(verify(dns_, "Comments: one\r\nComments: two\r\n" + rsa_),
              ElementsAre(is(DkimStatus::pass, "")));
  EXPECT_THAT(verify(dns_, "Cc: a@b.example\r\nCc: c@d.example\r\n" + rsa_),
              ElementsAre(is(DkimStatus::pass, "")))
      << "nobody signed any";
}

TEST_F(DkimTest, a_dns_that_does_not_answer_is_a_temporary_error) {
  test::ZoneResolver dns("brisbane._domainkey.example.com FAIL\n");
  EXPECT_THAT(verify(dns, rsa_), ElementsAre(is(DkimStatus::temperror, "DNS")));
}

TEST_F(DkimTest, each_key_is_asked_for_once) {
  const std::string field = rsa_.substr(0, rsa_.find("Received:"));
  const std::string thrice = field + field + rsa_;
  EXPECT_THAT(verify(dns_, thrice),
              ElementsAre(is(DkimStatus::pass, ""), is(DkimStatus::pass, ""), is(DkimStatus::pass, "")));
  EXPECT_THAT(dns_.questions(), SizeIs(1));
}

TEST_F(DkimTest, signatures_beyond_the_limit_are_policy) {
  std::string many;
  const std::string field = rsa_.substr(0, rsa_.find("Received:"));
  for (int i = 0; i < 11; ++i) many += field;
  const auto results = verify(dns_, many + rsa_);
  ASSERT_THAT(results, SizeIs(kSignaturesMax + 1));
  EXPECT_THAT(results[kSignaturesMax - 1], is(DkimStatus::pass, ""));
  EXPECT_THAT(results[kSignaturesMax], is(DkimStatus::policy, "4 more"));
}

TEST_F(DkimTest, a_header_beyond_the_limits_is_policy) {
  const std::string filler = "X-Filler: " + std::string(300 * 1024, 'x') + "\r\n";
  const std::string field = rsa_.substr(0, rsa_.find("Received:"));
  EXPECT_THAT(verify(dns_, field + filler + rsa_), ElementsAre(is(DkimStatus::policy, "too large")));
  std::string fields;
  for (int i = 0; i < 1001; ++i) fields += "X: y\r\n";
  EXPECT_THAT(verify(dns_, field + fields + rsa_), ElementsAre(is(DkimStatus::policy, "too large")));
}

TEST_F(DkimTest, a_message_cut_anywhere_gives_a_result) {
  for (std::size_t size = 0; size < both_.size(); ++size) {
    for (const DkimResult& result : verify(dns_, std::string_view(both_).substr(0, size))) {
      // Without its last line end the body is canonically the same.
      if (size < both_.size() - 2) {
        EXPECT_NE(result.status, DkimStatus::pass) << size;
      }
    }
  }
}

TEST(KeyCache, keeps_the_texts_that_were_used_last) {
  KeyCache cache(2);
  const auto first = cache.get("v=DKIM1; p=; n=1");
  const auto second = cache.get("v=DKIM1; p=; n=2");
  EXPECT_EQ(cache.get("v=DKIM1; p=; n=1"), first);
  static_cast<void>(cache.get("v=DKIM1; p=; n=3"));  // the second goes
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.get("v=DKIM1; p=; n=1"), first);
  EXPECT_NE(cache.get("v=DKIM1; p=; n=2"), second);
  static_cast<void>(cache.get(std::string(kKeyRecordBytesMax + 1, 'x')));
  EXPECT_EQ(cache.size(), 2u);
}

TEST(TagNumber, is_read_up_to_its_limits) {
  EXPECT_THAT(decode_tag_number("0", 12), Optional(0u));
  EXPECT_THAT(decode_tag_number("999999999999", 12), Optional(999999999999u));
  EXPECT_EQ(decode_tag_number("1000000000000", 12), std::nullopt);
  EXPECT_EQ(decode_tag_number("", 12), std::nullopt);
  EXPECT_EQ(decode_tag_number("+1", 12), std::nullopt);
  EXPECT_THAT(decode_tag_number("18446744073709551615", 76), Optional(UINT64_MAX));
  EXPECT_THAT(decode_tag_number("18446744073709551616", 76), Optional(UINT64_MAX));
}

}  // namespace
}  // namespace countersign::mailauth
