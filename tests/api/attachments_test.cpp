// Attachments: metadata, links, and what a link gives to whom.
#include "api/api_fixture.hpp"
#include "base/crypto.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kMessages = kBotPath + "/messages";
const std::string kTwoFiles =
    R"("attachments":[{"filename":"a \"b\".txt","content_type":"text/plain","data":"aGVsbG8="},)"
    R"({"filename":"Grüße.bin","content_type":"application/x-thing","data":"AAEC/w=="}])";

rest::ServerOptions few_downloads() {
  rest::ServerOptions options;
  options.download.limit = 12;
  return options;
}

class AttachmentsApiTest : public ApiTest {
 protected:
  AttachmentsApiTest() : ApiTest(few_downloads()) {}
  /// The path and query of a download link.
  std::string link_of(const std::string& id, int index) {
    const std::string url =
        get(kMessages + "/" + id + "/attachments/" + std::to_string(index)).text("download_url");
    EXPECT_THAT(url, StartsWith("https://mail.example/v1/agents/bot@agents.example/messages/" + id));
    return url.substr(std::string("https://mail.example").size());
  }
  rest::Response download(const std::string& target) {
    return start({.method = "GET", .target = target}).get();
  }
};
COUNTERSIGN_ON_EVERY_STORE(AttachmentsApiTest);

class AttachmentsWithoutPublicUrlTest : public ApiTest {
 protected:
  AttachmentsWithoutPublicUrlTest() : ApiTest({}, {}, {}, "") {}
};
COUNTERSIGN_ON_EVERY_STORE(AttachmentsWithoutPublicUrlTest);

TEST_P(AttachmentsWithoutPublicUrlTest, ALinkLeadsToWhereTheRequestCameTo) {
  const std::string path = kMessages + "/" + receive("files", kTwoFiles) + "/attachments/0";
  const auto origin = [&](std::vector<net::Header> fields) {
    const std::string url = ask({"GET", path, "", ada_, std::move(fields)}).text("download_url");
    return url.substr(0, url.find("/v1/"));
  };
  for (const std::string host :
       {"mail.example", "localhost:8080", "10.0.0.1:80", "[::1]", "[2001:db8::1]:8"}) {
    EXPECT_EQ(origin({{"Host", host}}), "http://" + host);
  }
  for (const std::string host : {"", "a/b", "a b", "a@b", "a?b", "a#b", "a:b", "a:", ":80", "a:1:2", "[::1",
                                 "a\"b", "<a>", "\xc3\xa4", "[a.b/c]"}) {
    EXPECT_EQ(origin({{"Host", host}}), "http://192.0.2.1:8080") << host;
  }
  EXPECT_EQ(origin({}), "http://192.0.2.1:8080");
  EXPECT_EQ(origin({{"Host", std::string(300, 'a')}}), "http://192.0.2.1:8080");
}

TEST_P(AttachmentsApiTest, AnAttachmentIsDescribedAndItsMessageRead) {
  const std::string id = receive("files", kTwoFiles);
  EXPECT_EQ(get(kMessages).items().size(), 1U);
  const Reply view = ask({"GET", kMessages + "/" + id + "/attachments/1", "", bot_, {}});
  ASSERT_THAT(view, Answered(200));
  EXPECT_EQ(view.text("filename"), "Grüße.bin");
  EXPECT_EQ(view.text("content_type"), "application/x-thing");
  EXPECT_EQ(view.json.at("size_bytes").as_int64(), 4);
  EXPECT_EQ(view.json.at("index").as_int64(), 1);
  EXPECT_FALSE(view.has("data"));
  const auto expires = parse_rfc3339(view.text("expires_at"));
  ASSERT_TRUE(expires.has_value());
  EXPECT_LT(*expires - clock_.now(), 15min);
  EXPECT_GT(*expires - clock_.now(), 14min);
  EXPECT_EQ(get(kMessages).items().size(), 0U) << "read now";
  EXPECT_EQ(get(kMessages + "/" + id + "/attachments/1?inline=true").text("data"), "AAEC/w==");
}

TEST_P(AttachmentsApiTest, WhatIsNotThereIsNotFound) {
  const std::string id = receive("files", kTwoFiles);
  const std::string path = kMessages + "/" + id + "/attachments/";
  EXPECT_THAT(get(path + "2"), Refused(404, "attachment_not_found"));
  EXPECT_THAT(get(kMessages + "/msg_none/attachments/0"), Refused(404, "not_found"));
  EXPECT_THAT(ask({.target = path + "-1"}), Refused(422, "invalid_request")) << "before authentication";
  EXPECT_THAT(ask({.target = path + "x"}), Refused(422, "invalid_request"));
  EXPECT_THAT(ask({.target = path + "99999999999999999999"}), Refused(422, "invalid_request"));
  EXPECT_THAT(ask({.target = path + "0"}), Refused(401, "unauthorized"));
  EXPECT_THAT(ask({"GET", path + "0", "", eve_, {}}), Refused(404, "not_found"));
  EXPECT_THAT(get("/v1/agents/sister@agents.example/messages/" + id + "/attachments/0"),
              Refused(404, "not_found"));
  EXPECT_EQ(get(kMessages).items().size(), 1U) << "none of these read it";
  hold_everything();
  const std::string draft = held("draft", kTwoFiles);
  EXPECT_THAT(get(kMessages + "/" + draft + "/attachments/0"), Refused(404, "attachment_not_found"));
  EXPECT_THAT(post("/v1/reviews/" + draft + "/approve", "{}"), Answered(202));
  EXPECT_THAT(get(kMessages + "/" + draft + "/attachments/0"), Answered(200));
}

TEST_P(AttachmentsApiTest, TooLargeToBeInlineIsDownloaded) {
  const auto with = [](std::size_t bytes) {
    return R"("attachments":[{"filename":"f","content_type":"a/b","data":")" +
           base64_encode(std::string(bytes, 'x')) + "\"}]";
  };
  const std::string fits = kMessages + "/" + receive("fits", with(262'144)) + "/attachments/0";
  EXPECT_EQ(get(fits + "?inline=true").text("data").size(), 349'528U);
  const std::string id = receive("large", with(262'145));
  EXPECT_THAT(get(kMessages + "/" + id + "/attachments/0?inline=true"), Refused(413, "attachment_too_large"));
  EXPECT_EQ(download(link_of(id, 0)).body, std::string(262'145, 'x'));
}

TEST_P(AttachmentsApiTest, ALinkGivesTheExactBytesToWhoeverHoldsIt) {
  const std::string id = receive("files", kTwoFiles);
  const rest::Response first = download(link_of(id, 0));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "hello");
  EXPECT_EQ(first.headers.get("Content-Type"), "text/plain");
  EXPECT_EQ(first.headers.get("Content-Disposition"), R"(attachment; filename="a b.txt")");
  EXPECT_EQ(first.headers.get("RateLimit-Limit"), "12");
  const rest::Response second = download(link_of(id, 1));
  EXPECT_EQ(second.body, std::string("\0\1\2\xff", 4));
  EXPECT_THAT(std::string(second.headers.get("Content-Disposition")),
              HasSubstr("filename*=UTF-8''Gr%C3%BC%C3%9Fe.bin"));
}

TEST_P(AttachmentsApiTest, ALinkIsForOneAttachmentOfOneMessageForAWhile) {
  const std::string id = receive("files", kTwoFiles);
  const std::string other = receive("more files", kTwoFiles);
  const std::string link = link_of(id, 0);
  const std::string token = link.substr(link.find("?token="));
  const auto at = [&](const std::string& email, const std::string& message, const std::string& index,
                      const std::string& query) {
    return ask({.target = "/v1/agents/" + email + "/messages/" + message + "/attachments/" + index +
                          "/download" + query});
  };
  EXPECT_THAT(at(kBot, id, "abc", token), Refused(400, "invalid_request"));
  EXPECT_THAT(at(kBot, id, "-1", token), Refused(400, "invalid_request"));
  EXPECT_THAT(at(kBot, id, "0", ""), Refused(401, "unauthorized"));
  EXPECT_THAT(at(kBot, id, "0", "?token=garbage"), Refused(403, "forbidden"));
  EXPECT_THAT(at(kBot, id, "1", token), Refused(403, "forbidden"));
  EXPECT_THAT(at(kBot, other, "0", token), Refused(403, "forbidden"));
  EXPECT_THAT(at("nobody@agents.example", id, "0", token), Refused(404, "not_found"));
  EXPECT_THAT(at("sister@agents.example", id, "0", token), Refused(404, "not_found"));
  EXPECT_EQ(download(link).status, 200);
  clock_.advance(15min);
  EXPECT_THAT(at(kBot, id, "0", token), Refused(403, "forbidden"));
  EXPECT_THAT(ask({.method = "POST", .target = link}), Refused(405, "method_not_allowed"));
}

TEST_P(AttachmentsApiTest, DownloadsAreLimitedPerAddressBeforeAnythingElse) {
  const std::string path = kMessages + "/x/attachments/abc/download";
  for (int i = 0; i < 12; ++i) EXPECT_THAT(ask({.target = path}), Refused(400, "invalid_request"));
  const Reply refused = ask({.target = path});
  EXPECT_THAT(refused, Refused(429, "rate_limited"));
  EXPECT_FALSE(refused.headers.get("Retry-After").empty());
  EXPECT_EQ(refused.headers.get("RateLimit-Remaining"), "0");
  EXPECT_THAT(ask({.target = path, .headers = {{"CF-Connecting-IP", "192.0.2.9"}}}),
              Refused(400, "invalid_request"));
}

}  // namespace
}  // namespace countersign::test
