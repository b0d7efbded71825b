#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/fault.hpp"
#include "base/id.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace countersign {
namespace {

TEST(Rfc3339, PrintsSixDigitsAlways) {
  EXPECT_EQ(to_rfc3339(from_us(0)), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(from_us(1'795'441'500'000'123)), "2026-11-23T13:45:00.000123Z");
}

TEST(Rfc3339, ReadsOffsetsAndFractions) {
  EXPECT_EQ(parse_rfc3339("2026-11-23T14:45:00.000123+01:00"), from_us(1'795'441'500'000'123));
  EXPECT_EQ(parse_rfc3339("2026-11-23t13:45:00z"), from_us(1'795'441'500'000'000));
  EXPECT_EQ(parse_rfc3339("2026-11-23T13:45:00.5Z"), from_us(1'795'441'500'500'000));
  EXPECT_EQ(parse_rfc3339("2026-11-23T13:45:00.1234567890123Z"), from_us(1'795'441'500'123'456));
}

TEST(Rfc3339, ReadsTimesBeforeTheEpoch) {
  for (const char* text : {"0001-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_rfc3339(*time), text);
  }
}

TEST(Rfc3339, RefusesEverythingElse) {
  for (const char* text : {"", "2026-11-23", "2026-11-23T13:45Z", "2026-02-30T00:00:00Z",
                           "2026-11-23T24:00:00Z", "2026-11-23T13:45:00", "2026-11-23T13:45:00.Z",
                           "2026-11-23T13:45:00Z ", "0000-01-01T00:00:00Z", "2026-11-23T13:45:00+1:00"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Rfc5322, PrintsTheDateHeader) {
  EXPECT_EQ(to_rfc5322(from_us(1'795'441'500'000'123)), "Mon, 23 Nov 2026 13:45:00 +0000");
}

TEST(Base64, FollowsRfc4648Section10) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(base64_decode(encoded), plain);
  }
}

TEST(Base64, IgnoresLineBreaksOnly) {
  EXPECT_EQ(base64_decode("Zm9v\r\nYmFy \t"), "foobar");
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "Zm9v!", "Zg==Zg==", "Zm9-"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  EXPECT_EQ(base64_decode("Zh=="), "f") << "bits that mean nothing";
}

TEST(Base64Url, HasNoPadding) {
  EXPECT_EQ(base64url_encode("\xfb\xff"), "-_8");
  EXPECT_EQ(base64url_decode("-_8"), "\xfb\xff");
  EXPECT_FALSE(base64url_decode("-_8="));
  EXPECT_FALSE(base64url_decode("-_9")) << "a second spelling of a token";
  EXPECT_FALSE(base64url_decode("+/8"));
}

TEST(Hmac, FollowsRfc4231Case2) {
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Ids, DerivedOnesAreStableAndSeparateTheirParts) {
  EXPECT_EQ(derived_id("evt_", {"a", "bc"}), derived_id("evt_", {"a", "bc"}));
  EXPECT_NE(derived_id("evt_", {"a", "bc"}), derived_id("evt_", {"ab", "c"}));
  EXPECT_EQ(derived_id("evt_", {"a"}).size(), 36u);
  EXPECT_THAT(random_id("msg_"), testing::MatchesRegex("msg_[0-9a-f]+"));
  EXPECT_NE(random_id("msg_"), random_id("msg_"));
}

TEST(Ids, OrderedOnesFollowTheClockAndWhatFollowsFromThemStandsBeside) {
  const UtcTime now = from_us(1'795'441'500'000'123);
  const std::string id = ordered_id("msg_", now);
  EXPECT_THAT(id, testing::MatchesRegex("msg_[0-9a-f]+"));
  EXPECT_EQ(id.size(), 36u);
  EXPECT_NE(id, ordered_id("msg_", now));
  EXPECT_LT(id, ordered_id("msg_", now + std::chrono::milliseconds(1)));

  const std::string event = derived_id_near(id, "evt_", {id, "email.sent"});
  EXPECT_EQ(event.size(), 36u);
  EXPECT_EQ(event.substr(4, 12), id.substr(4, 12));
  EXPECT_EQ(event, derived_id_near(id, "evt_", {id, "email.sent"}));
  EXPECT_NE(event, derived_id_near(id, "evt_", {id, "email.failed"}));
  EXPECT_EQ(derived_id_near("msg_short", "evt_", {"a"}), derived_id("evt_", {"a"}));
}

TEST(Text, ListsSurviveTheirJsonForm) {
  const std::vector<std::string> items{"a", "", "quote \" and \\", "ünï", "line\nbreak"};
  EXPECT_EQ(from_json_list(to_json_list(items)), items);
  EXPECT_EQ(to_json_list({}), "[]");
  EXPECT_TRUE(from_json_list("[]").empty());
}

TEST(Text, HtmlKeepsNoMeaningOfItsOwn) {
  EXPECT_EQ(escape_html(R"(<a href="x" title='y'>&amp;</a>)"),
            "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
  EXPECT_EQ(escape_html("plain, \xc3\xa4\t\n"), "plain, \xc3\xa4\t\n");
  EXPECT_EQ(escape_html(""), "");
}

TEST(Text, Utf8IsCheckedByRfc3629) {
  for (const char* good : {"", "a", "é", "€", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
  EXPECT_EQ(code_points("aé€\xf0\x9f\x98\x80"), 4u);
}

#ifdef COUNTERSIGN_FAULT_POINTS
TEST(FaultPoints, FireAtTheNthPassageOnce) {
  fault::reset();
  fault::arm("here", 2, fault::Action::throw_error);
  EXPECT_NO_THROW(fault::point("here"));
  EXPECT_THROW(fault::point("here"), EnvironmentError);
  EXPECT_NO_THROW(fault::point("here"));
  EXPECT_THAT(fault::passed(), testing::ElementsAre("here", "here", "here"));
  fault::reset();
}

TEST(FaultPoints, MayWaitForAnotherPointFirst) {
  fault::reset();
  fault::arm_text("fence>commit@2=throw");
  for (int i = 0; i < 3; ++i) EXPECT_NO_THROW(fault::point("commit"));
  EXPECT_NO_THROW(fault::point("fence"));
  EXPECT_NO_THROW(fault::point("commit"));
  EXPECT_THROW(fault::point("commit"), EnvironmentError);
  EXPECT_NO_THROW(fault::point("commit"));
  fault::reset();
}

TEST(FaultPoints, RefuseATextTheyDoNotUnderstand) {
  for (const char* text : {"here", "here=", "here=explode", "@2=kill", "here@0=kill", "here@x=kill", "=kill",
                           ">here=kill", "here>=kill", "a=throw,b"}) {
    EXPECT_THROW(fault::arm_text(text), EnvironmentError) << text;
  }
  fault::reset();
}
#endif

}  // namespace
}  // namespace countersign
