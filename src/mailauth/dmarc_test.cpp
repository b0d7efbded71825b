// DMARC records and their discovery, alone; whole messages are in authentication_test.cpp.
#include "mailauth/dmarc.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "mailauth/dmarc_record.hpp"
#include "mailauth/domain.hpp"
#include "support/zone_resolver.hpp"

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

DkimResult signature(DkimStatus status, const std::string& domain) {
  return {.status = status, .domain = domain, .selector = "s", .aligned = {}, .detail = ""};
}

class DmarcTest : public testing::Test {
 protected:
  /// What becomes of mail with these fields when SPF and DKIM said what `before` holds.
  Authentication judged(Authentication before, const std::string& header = "From: a@example.com") {
    boost::asio::io_context io;
    const std::string raw = header + "\r\n\r\nbody\r\n";
    auto done = boost::asio::co_spawn(io, judge_dmarc(zone_, raw, before), boost::asio::use_future);
    io.run();
    done.get();
    return before;
  }
  static Authentication signed_by(std::vector<DkimResult> signatures) {
    Authentication before;
    before.spf = {SpfStatus::fail, "example.com", {}, ""};
    before.dkim = std::move(signatures);
    return before;
  }
  DmarcStatus status_of(std::vector<DkimResult> signatures) {
    return judged(signed_by(std::move(signatures))).dmarc.status;
  }

  test::ZoneResolver zone_{R"(_dmarc.example.com TXT "v=DMARC1; p=reject")"};
};

TEST_F(DmarcTest, OneAlignedSignatureThatPassesIsEnough) {
  const auto other = signature(DkimStatus::pass, "example.net");
  const auto good = signature(DkimStatus::pass, "mail.example.com");
  EXPECT_EQ(status_of({good}), DmarcStatus::pass);
  EXPECT_EQ(status_of({other, good}), DmarcStatus::pass);
  EXPECT_EQ(status_of({good, other}), DmarcStatus::pass);
  const auto result = judged(signed_by({other, good}));
  EXPECT_EQ(result.dkim[0].aligned, false);
  EXPECT_EQ(result.dkim[1].aligned, true);
  EXPECT_TRUE(result.dmarc.dkim_aligned);
  EXPECT_FALSE(result.dmarc.spf_aligned);
}

TEST_F(DmarcTest, OnlyASignatureThatPassesCounts) {
  for (const auto status :
       {DkimStatus::fail, DkimStatus::none, DkimStatus::neutral, DkimStatus::policy, DkimStatus::permerror}) {
    const auto result = judged(signed_by({signature(status, "example.com")}));
    EXPECT_EQ(result.dmarc.status, DmarcStatus::fail) << static_cast<int>(status);
    EXPECT_EQ(result.dkim.front().aligned, std::nullopt);
  }
  EXPECT_EQ(status_of({signature(DkimStatus::temperror, "example.com")}), DmarcStatus::temperror);
  EXPECT_EQ(status_of({signature(DkimStatus::temperror, "example.net")}), DmarcStatus::fail);
}

TEST_F(DmarcTest, AlignmentIsByOrganisationAndNotByTheEndOfTheText) {
  for (const auto* domain : {"badexample.com", "example.com.attacker.example", "com", "ample.com", ""}) {
    EXPECT_EQ(status_of({signature(DkimStatus::pass, domain)}), DmarcStatus::fail) << domain;
  }
  EXPECT_EQ(status_of({signature(DkimStatus::pass, "A.B.Example.COM.")}), DmarcStatus::pass);
}

TEST_F(DmarcTest, StrictAlignmentIsAskedForOfEachByItself) {
  zone_.clear();
  zone_.add(R"(_dmarc.example.com TXT "v=DMARC1; p=reject; adkim=s")");
  EXPECT_EQ(status_of({signature(DkimStatus::pass, "mail.example.com")}), DmarcStatus::fail);
  EXPECT_EQ(status_of({signature(DkimStatus::pass, "example.com")}), DmarcStatus::pass);
  Authentication by_spf;
  by_spf.spf = {SpfStatus::pass, "mail.example.com", {}, ""};
  EXPECT_EQ(judged(by_spf).dmarc.status, DmarcStatus::pass);
  zone_.clear();
  zone_.add(R"(_dmarc.example.com TXT "v=DMARC1; p=reject; aspf=s")");
  EXPECT_EQ(judged(by_spf).dmarc.status, DmarcStatus::fail);
  EXPECT_EQ(status_of({signature(DkimStatus::pass, "mail.example.com")}), DmarcStatus::pass);
}

TEST_F(DmarcTest, ThePolicyIsTheOneThatAppliesToFrom) {
  zone_.clear();
  zone_.add(R"(_dmarc.example.com TXT "v=DMARC1; p=reject; sp=quarantine; pct=0"
    _dmarc.own.example.com TXT "v=DMARC1; p=none; sp=reject")");
  const auto policy_of = [&](const char* from) { return judged(signed_by({}), from).dmarc.policy; };
  EXPECT_EQ(policy_of("From: a@example.com"), DmarcPolicy::reject);
  EXPECT_EQ(policy_of("From: a@mail.example.com"), DmarcPolicy::quarantine);
  EXPECT_EQ(policy_of("From: a@own.example.com"), DmarcPolicy::none);
}

TEST_F(DmarcTest, NobodyButASingleFromIsTheAuthor) {
  const auto passed = signed_by({signature(DkimStatus::pass, "example.com")});
  const auto status = [&](const char* header) { return judged(passed, header).dmarc.status; };
  EXPECT_EQ(status("From: b@example.net\r\nSender: a@example.com\r\nReply-To: a@example.com\r\n"
                   "Resent-From: a@example.com"),
            DmarcStatus::none);
  EXPECT_EQ(status("Sender: a@example.com"), DmarcStatus::none);
  EXPECT_EQ(status("From: a@example.com\r\nFrom: b@example.net"), DmarcStatus::permerror);
  EXPECT_EQ(status("From: a@example.com\r\nfrom: a@example.com"), DmarcStatus::permerror);
  EXPECT_EQ(status("From: a@example.com, b@example.com"), DmarcStatus::permerror);
  EXPECT_EQ(status("From: authors: a@example.com;"), DmarcStatus::permerror);
  EXPECT_EQ(status("From: postmaster"), DmarcStatus::permerror);
  EXPECT_EQ(status("From:"), DmarcStatus::permerror);
}

TEST_F(DmarcTest, BehindARecordThatCannotBeUsedTheOrganisationIsNotAsked) {
  for (const auto* records : {R"(_dmarc.mail.example.com TXT "v=DMARC1; p=rejct")",
                              R"(_dmarc.mail.example.com TXT "v=DMARC1; p=none"
                                 _dmarc.mail.example.com TXT "v=DMARC1; p=none")"}) {
    zone_.clear();
    zone_.add(R"(_dmarc.example.com TXT "v=DMARC1; p=reject")");
    zone_.add(records);
    const auto result = judged(signed_by({}), "From: a@mail.example.com");
    EXPECT_EQ(result.dmarc.status, DmarcStatus::none) << records;
    EXPECT_EQ(result.dmarc.policy, std::nullopt);
    EXPECT_EQ(zone_.questions().size(), 1U);
  }
}

TEST_F(DmarcTest, APolicyThatCannotBeHadIsATemporaryErrorWhateverPassed) {
  zone_.clear();
  zone_.add("_dmarc.example.com FAIL");
  const auto passed = signed_by({signature(DkimStatus::pass, "example.com")});
  EXPECT_EQ(judged(passed).dmarc.status, DmarcStatus::temperror);
  EXPECT_EQ(judged(passed, "From: a@mail.example.com").dmarc.status, DmarcStatus::temperror);
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
