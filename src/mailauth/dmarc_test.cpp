// DMARC records and their discovery, alone; whole messages are in authentication_test.cpp.
#include "mailauth/dmarc.hpp"

#include <gtest/gtest.h>

#include "mailauth/dmarc_record.hpp"
#include "mailauth/domain.hpp"

namespace countersign::mailauth {
namespace {

std::string summary(std::string_view text) {
  if (!is_dmarc_record(text)) return "other";
  const auto record = parse_dmarc_record(text);
  if (!record) return "unusable";
  const auto name = [](DmarcPolicy policy) {
    return policy == DmarcPolicy::none ? "none" : policy == DmarcPolicy::reject ? "reject" : "quarantine";
  };
  std::string out = name(record->policy);
  if (record->subdomain_policy) out += std::string("/") + name(*record->subdomain_policy);
  if (record->dkim == Alignment::strict) out += " dkim";
  if (record->spf == Alignment::strict) out += " spf";
  return out;
}

TEST(DmarcRecordTest, ReadsTagsAsTheGrammarHasThem) {
  EXPECT_EQ(summary("v=DMARC1; p=reject"), "reject");
  EXPECT_EQ(summary("v=DMARC1;p=none;"), "none");
  EXPECT_EQ(summary("v = DMARC1 ;\tp = quarantine ; sp=reject; adkim=s; aspf=S; pct=0"),
            "quarantine/reject dkim spf");
  EXPECT_EQ(summary("v=DMARC1; sp=none; p=reject"), "reject/none");
  EXPECT_EQ(summary("v=DMARC1; p=Reject"), "reject");
}

TEST(DmarcRecordTest, TheVersionComesFirstAndInCapitals) {
  for (const auto* text : {"", ";", "v", "v=", "v=DMARC2; p=none", "v=dmarc1; p=none", "p=none; v=DMARC1",
                           " v=DMARC1; p=none", "v=DMARC1 p=none", "v=DMARC11; p=none", "v=spf1 -all"}) {
    EXPECT_EQ(summary(text), "other") << text;
  }
}

TEST(DmarcRecordTest, PassesOverWhatItDoesNotKnow) {
  EXPECT_EQ(summary("v=DMARC1; p=reject; x-new=1; nonsense; =; fo=9; ri=many; adkim=maybe; aspf"), "reject");
  EXPECT_EQ(summary("v=DMARC1; p=reject; p=none"), "reject");
}

TEST(DmarcRecordTest, ABrokenPolicyCountsAsNoneWhenReportsAreAskedForAndElseNotAtAll) {
  EXPECT_EQ(summary("v=DMARC1"), "unusable");
  EXPECT_EQ(summary("v=DMARC1; p=rejct"), "unusable");
  EXPECT_EQ(summary("v=DMARC1; p=reject; sp=rejct"), "unusable");
  EXPECT_EQ(summary("v=DMARC1; p=rejct; rua=mailto:a@example.com"), "none");
  EXPECT_EQ(summary("v=DMARC1; rua=nonsense, mailto:a@example.com!10m; aspf=s"), "none spf");
  EXPECT_EQ(summary("v=DMARC1; p=reject; sp=rejct; rua=mailto:a@example.com"), "none");
  EXPECT_EQ(summary("v=DMARC1; rua=nonsense"), "unusable");
}

TEST(DomainTest, KnowsWhereDomainsAreRegistered) {
  EXPECT_EQ(organisational_domain("a.b.example.com"), "example.com");
  EXPECT_EQ(organisational_domain("a.b.example.co.uk"), "example.co.uk");
  EXPECT_EQ(organisational_domain("co.uk"), "co.uk");
  EXPECT_EQ(organisational_domain("one.github.io"), "one.github.io");
  EXPECT_EQ(organisational_domain("a.b.unlisted-suffix"), "b.unlisted-suffix");
  EXPECT_EQ(organisational_domain("localhost"), "localhost");
}

TEST(DomainTest, TurnsDomainsIntoTheirALabels) {
  EXPECT_EQ(to_ascii_domain("B\xC3\xBC"
                            "cher.Example."),
            "xn--bcher-kva.example");
  EXPECT_EQ(to_ascii_domain("fa\xC3\x9F.example"), "xn--fa-hia.example");  // IDNA 2008, not 2003
  EXPECT_EQ(to_ascii_domain("_dmarc.Example.COM"), "_dmarc.example.com");
  for (const std::string& bad :
       {std::string(""), std::string("."), std::string("a..b"), std::string("a\0.b", 4),
        std::string("\xFF.example"), "a." + std::string(64, 'x'), std::string("a b.example"),
        std::string(300, 'a')}) {
    EXPECT_EQ(to_ascii_domain(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace countersign::mailauth
