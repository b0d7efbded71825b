// The parts of the console that can be seen by themselves: origins, cookies, passwords, files, attachments.
#include "console/guard.hpp"

#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

#include "base/id.hpp"
#include "console/assets.hpp"
#include "console/attachment.hpp"
#include "console/hold_view.hpp"
#include "console/password.hpp"

namespace countersign::console {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr PasswordCost kCheap{64, 1};

net::Request request_with(std::string method, std::initializer_list<net::Header> fields) {
  net::Request request;
  request.method = std::move(method);
  request.path = "/console/api/session";
  for (const net::Header& field : fields) request.headers.add(field.name, field.value);
  return request;
}

struct OriginCase {
  const char* method;
  std::vector<net::Header> fields;
  const char* public_url;
  bool same;
};

TEST(ConsoleGuardTest, KnowsRequestsOfItsOwnPages) {
  const std::vector<OriginCase> cases{
      {"GET", {}, "", true},
      {"GET", {{"Sec-Fetch-Site", "none"}}, "", true},
      {"GET", {{"Sec-Fetch-Site", "same-origin"}}, "", true},
      {"GET", {{"Sec-Fetch-Site", "cross-site"}}, "", false},
      {"GET", {{"Sec-Fetch-Site", "same-site"}}, "", false},
      {"POST", {}, "", false},
      {"POST", {{"Sec-Fetch-Site", "none"}}, "", false},
      {"POST", {{"Sec-Fetch-Site", "same-origin"}}, "", true},
      {"POST", {{"Host", "localhost:8080"}, {"Origin", "http://localhost:8080"}}, "", true},
      {"POST", {{"Host", "localhost:8080"}, {"Origin", "http://localhost:8081"}}, "", false},
      {"POST", {{"Host", "localhost:8080"}, {"Origin", "http://evil.example"}}, "", false},
      {"POST", {{"Host", "localhost:8080"}, {"Origin", "null"}}, "", false},
      {"POST", {{"Host", "inside:80"}, {"Origin", "https://mail.example"}}, "https://mail.example", true},
      {"POST",
       {{"Host", "inside:80"}, {"Origin", "https://mail.example:443"}},
       "https://mail.example/",
       true},
      {"POST",
       {{"Host", "inside:80"}, {"Origin", "https://mail.example.evil"}},
       "https://mail.example",
       false},
      {"POST",
       {{"Host", "mail.example"}, {"Origin", "https://mail.example"}, {"Sec-Fetch-Site", "cross-site"}},
       "https://mail.example",
       false},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    net::Request request = request_with(cases[i].method, {});
    for (const net::Header& field : cases[i].fields) request.headers.add(field.name, field.value);
    EXPECT_EQ(is_same_origin(request, cases[i].public_url), cases[i].same) << "case " << i;
  }
}

TEST(ConsoleGuardTest, FindsTheTokenAmongCookies) {
  const std::string token(kTokenDigits, 'a');
  const auto find = [](const std::string& cookie) {
    return session_token(request_with("GET", {{"Cookie", cookie}}).headers);
  };
  EXPECT_EQ(find("theme=dark; countersign_session=" + token), token);
  EXPECT_EQ(find("countersign_session=" + token + "; other=1"), token);
  EXPECT_EQ(find("xcountersign_session=" + token), std::nullopt);
  EXPECT_EQ(find("countersign_session=" + token + "a"), std::nullopt);
  EXPECT_EQ(find("countersign_session=" + std::string(kTokenDigits, 'A')), std::nullopt);
  EXPECT_EQ(find(""), std::nullopt);
}

TEST(ConsoleGuardTest, TheWordOfThePageFollowsFromTheSession) {
  const std::string a(kTokenDigits, 'a');
  const std::string b(kTokenDigits, 'b');
  EXPECT_EQ(csrf_token(a), csrf_token(a));
  EXPECT_NE(csrf_token(a), csrf_token(b));
  EXPECT_NE(csrf_token(a), token_hash(a));
}

TEST(ConsoleGuardTest, TheCookieIsOutOfReachOfScriptsAndOtherSites) {
  EXPECT_EQ(cookie_of("abc", 60, true),
            "countersign_session=abc; Path=/console; Max-Age=60; HttpOnly; SameSite=Strict; Secure");
  EXPECT_THAT(cookie_of("abc", 60, false), Not(HasSubstr("Secure")));
  EXPECT_THAT(cookie_of("", 60, false), HasSubstr("Max-Age=0"));
}

TEST(ConsolePasswordTest, OnlyThePasswordFitsItsHash) {
  const std::string hash = hash_password("correct horse battery", kCheap);
  EXPECT_THAT(hash, HasSubstr("$argon2id$v=19$m=64,t=1,p=1$"));
  EXPECT_TRUE(is_password("correct horse battery", hash));
  EXPECT_FALSE(is_password("correct horse batterz", hash));
  EXPECT_FALSE(is_password("", hash));
  EXPECT_FALSE(is_password("correct horse battery", "nonsense"));
  EXPECT_NE(hash, hash_password("correct horse battery", kCheap)) << "salted";
}

TEST(ConsolePasswordTest, ZerosAreCharactersLikeOthers) {
  const std::string hash = hash_password(std::string("a\0b", 3), kCheap);
  EXPECT_TRUE(is_password(std::string("a\0b", 3), hash));
  EXPECT_FALSE(is_password("a", hash));
}

TEST(ConsolePasswordTest, KnowsHashesOfAnotherCost) {
  const std::string hash = hash_password("secret", kCheap);
  EXPECT_FALSE(is_outdated(hash, kCheap));
  EXPECT_TRUE(is_outdated(hash, {128, 1}));
}

TEST(ConsoleAssetsTest, EveryPageIsTheSamePageAndAMissingAssetIsMissing) {
  net::Request request;
  request.method = "GET";
  request.path = "/console/reviews/msg_1";
  const net::Response page = serve_asset(request);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.get("Cache-Control"), "no-store");
  EXPECT_THAT(std::string(page.headers.get("Content-Type")), HasSubstr("text/html"));
  request.path = "/console/assets/none.js";
  EXPECT_EQ(serve_asset(request).status, 404);
  request.path = "/console";
  EXPECT_EQ(serve_asset(request).headers.get("Location"), "/console/");
  request.method = "POST";
  EXPECT_EQ(serve_asset(request).status, 405);
}

TEST(ConsoleAssetsTest, EmbeddedFilesAreCachedByTheirHashAndCompressed) {
  for (const EmbeddedFile& file : embedded_files()) {
    net::Request request;
    request.method = "GET";
    request.path = "/console/" + std::string(file.path);
    const net::Response whole = serve_asset(request);
    EXPECT_EQ(whole.body, file.plain);
    request.headers.add("Accept-Encoding", "br, gzip");
    const net::Response packed = serve_asset(request);
    if (!file.gzip.empty()) EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
    request.headers.add("If-None-Match", std::string(file.etag));
    EXPECT_EQ(serve_asset(request).status, 304);
  }
}

TEST(ConsoleAttachmentTest, NothingThatIsDownloadedRuns) {
  for (const char* type : {"text/html", "image/svg+xml", "text/html; charset=utf-8", "", "application/xml"}) {
    const net::Response response = download_of({"x.html", type, "<script>"});
    EXPECT_EQ(response.headers.get("Content-Type"), "application/octet-stream") << type;
    EXPECT_EQ(response.headers.get("Content-Security-Policy"), "sandbox; default-src 'none'");
    EXPECT_THAT(std::string(response.headers.get("Content-Disposition")), HasSubstr("attachment; "));
  }
  EXPECT_EQ(download_of({"a.png", "Image/PNG", ""}).headers.get("Content-Type"), "image/png");
  EXPECT_EQ(download_of({"a\r\n\"b/c.txt", "text/plain", ""}).headers.get("Content-Disposition"),
            "attachment; filename=\"abc.txt\"; filename*=UTF-8''abc.txt");
}

TEST(ConsoleAttachmentTest, WarnsOfNamesThatPretend) {
  const auto warned = [](const std::string& name) {
    return boost::json::serialize(warnings_of("", "", {{name, "", 1, ""}}));
  };
  EXPECT_THAT(warned("invoice.pdf"), Not(HasSubstr("code")));
  EXPECT_THAT(warned("invoice.pdf.exe"), HasSubstr("attachment_pretends"));
  EXPECT_THAT(warned("setup.EXE"), HasSubstr("attachment_program"));
  EXPECT_THAT(warned("invoice\xe2\x80\xae"
                     "fdp.exe"),
              HasSubstr("attachment_direction"));
  EXPECT_THAT(boost::json::serialize(warnings_of("a\xe2\x80\xae"
                                                 "b",
                                                 "", {})),
              HasSubstr("subject_direction"));
}

TEST(ConsoleAttachmentTest, ReadsAHeaderAsItStands) {
  EXPECT_EQ(boost::json::serialize(
                raw_headers("From: a@b\r\nSubject: one\r\n two\r\nBad \xff: x\xff\r\n\r\nTo: no")),
            R"([["From","a@b"],["Subject","one two"],["Bad ?","x?"]])");
}

TEST(ConsoleHoldTest, TheFirstWordsStandOnOneLine) {
  EXPECT_EQ(snippet_of("  Dear\r\n\r\n Ann,\tall  well\n"), "Dear Ann, all well");
  EXPECT_EQ(snippet_of(std::string(500, 'x')).size(), 140U);
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "\xc3\xa4";
  EXPECT_EQ(snippet_of(umlauts).size(), 280U);
}

}  // namespace
}  // namespace countersign::console
