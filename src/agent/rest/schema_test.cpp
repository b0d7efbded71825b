// Validation by the declared structures, on the embedded document and against the table of operations.
#include "agent/rest/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <sstream>

#include "agent/rest/text.hpp"

namespace countersign::agent::rest {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const Contract& contract() {
  static const Contract kContract(openapi_document());
  return kContract;
}

// The places at fault in a body; `text` becomes the body as handlers would get it.
std::vector<std::string> places(std::string_view operation_id, std::string& text) {
  auto body = parse_json(text);
  EXPECT_TRUE(body) << text;
  std::vector<FieldError> faults;
  contract().check_body(operation_id, *body, faults);
  text = json::serialize(*body);
  std::vector<std::string> locations;
  for (const FieldError& fault : faults) {
    EXPECT_FALSE(fault.message.empty());
    locations.push_back(fault.location);
  }
  return locations;
}

std::vector<std::string> send(std::string text) { return places("sendMessage", text); }

QueryValues query(std::string_view operation_id, std::string_view raw, std::vector<std::string>& locations) {
  std::vector<FieldError> faults;
  QueryValues values = contract().read_query(operation_id, raw, faults);
  locations.clear();
  for (const FieldError& fault : faults) locations.push_back(fault.location);
  return values;
}

TEST(Body, TakesAWholeMessage) {
  EXPECT_THAT(send(R"({"to":["a@b.example"],"subject":"s","text":"t","template_data":{"a":[1,null,{"b":2.5}]},
                       "attachments":[{"filename":"f","content_type":"text/plain","data":"eA=="}],
                       "unsubscribe":{"mode":"managed"}})"),
              IsEmpty());
}

TEST(Body, NamesTheParentOfAMissingMemberAndThePathOfAnUnknownOne) {
  EXPECT_THAT(send("{}"), ElementsAre("body"));
  EXPECT_THAT(send(R"({"to":[],"attachments":[{"filename":"f"}]})"),
              ElementsAre("body.attachments[0]", "body.attachments[0]"));
  EXPECT_THAT(send(R"({"to":[],"Subject":"s","nested":{"x":1}})"),
              ElementsAre("body.Subject", "body.nested"));
  std::string protection = R"({"inbound":{"gate":{}},"outbound":{"gate":{},"scan":{}},"holds":{}})";
  EXPECT_THAT(places("putAgentProtection", protection), ElementsAre("body.inbound"));
}

TEST(Body, CollectsAllFaultsAtOnce) {
  EXPECT_THAT(send(R"({"to":["ok",1,null],"subject":5,"cc":"x","unsubscribe":{"mode":"own"},"extra":1})"),
              UnorderedElementsAre("body.to[1]", "body.to[2]", "body.subject", "body.cc",
                                   "body.unsubscribe.mode", "body.extra"));
}

TEST(Body, IsAnObject) {
  for (const char* text : {"[]", "\"x\"", "1", "null", "true"}) {
    EXPECT_THAT(send(text), ElementsAre("body")) << text;
  }
}

TEST(Body, NullOfAnOptionalMemberCountsAsAbsent) {
  std::string text = R"({"to":["a"],"subject":null,"text":"t","attachments":null,"template_data":null})";
  EXPECT_THAT(places("sendMessage", text), IsEmpty());
  EXPECT_EQ(text, R"({"to":["a"],"text":"t"})") << "handlers do not see it, and the order is kept";
}

TEST(Body, NullElsewhereIsAFault) {
  EXPECT_THAT(send(R"({"to":null})"), ElementsAre("body.to"));
  EXPECT_THAT(send(R"({"to":[null]})"), ElementsAre("body.to[0]"));
  EXPECT_THAT(send(R"({"to":[],"unsubscribe":null})"), ElementsAre("body.unsubscribe"));
  for (const char* operation : {"replyToMessage", "forwardMessage"}) {
    std::string body = R"({"to":["a@b.example"],"unsubscribe":null})";
    EXPECT_THAT(places(operation, body), testing::Contains("body.unsubscribe")) << operation;
  }
  std::string key = R"({"name":null,"expires_at":null})";
  EXPECT_THAT(places("createApiKey", key), IsEmpty());
}

TEST(Body, LengthsCountCodePoints) {
  std::string emoji;
  for (int i = 0; i < 200; ++i) emoji += "\xf0\x9f\x93\xa7";
  std::string exact = R"({"name":")" + emoji + R"("})";
  EXPECT_THAT(places("updateAgent", exact), IsEmpty());
  std::string longer = R"({"name":")" + emoji + R"(x"})";
  EXPECT_THAT(places("updateAgent", longer), ElementsAre("body.name"));
}

TEST(Body, RefusesNulInAnyText) {
  EXPECT_THAT(send(R"({"to":["a\u0000b"],"subject":"\u0000"})"), ElementsAre("body.to[0]", "body.subject"));
  EXPECT_THAT(send(R"({"to":[],"template_data":{"deep":[{"x":"\u0000"}]}})"),
              ElementsAre("body.template_data.deep[0].x"));
  EXPECT_THAT(send(R"({"to":[],"template_data":{"a\u0000b":1}})"), SizeIs(1));
}

TEST(Body, ChecksRangesEnumsCountsAndDates) {
  const auto holds = [](std::string_view holds_text) {
    std::string text = R"({"inbound":{"gate":{},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":)" +
                       std::string(holds_text) + "}";
    return places("putAgentProtection", text);
  };
  EXPECT_THAT(holds(R"({"ttl_seconds":0,"on_expiry":"approve","suppress_notifications":true})"), IsEmpty());
  EXPECT_THAT(holds(R"({"ttl_seconds":-1})"), ElementsAre("body.holds.ttl_seconds"));
  EXPECT_THAT(holds(R"({"ttl_seconds":1.0})"), ElementsAre("body.holds.ttl_seconds"));
  EXPECT_THAT(holds(R"({"ttl_seconds":"1"})"), ElementsAre("body.holds.ttl_seconds"));
  EXPECT_THAT(holds(R"({"ttl_seconds":18446744073709551615})"), ElementsAre("body.holds.ttl_seconds"));
  EXPECT_THAT(holds(R"({"on_expiry":"Approve"})"), ElementsAre("body.holds.on_expiry"));
  EXPECT_THAT(holds(R"({"suppress_notifications":1})"), ElementsAre("body.holds.suppress_notifications"));

  std::string list = R"({"inbound":{"gate":{"allowlist":[)";
  for (int i = 0; i < 1001; ++i) list += i == 0 ? "\"x\"" : ",\"x\"";
  list += R"(]},"scan":{}},"outbound":{"gate":{},"scan":{}},"holds":{}})";
  EXPECT_THAT(places("putAgentProtection", list), ElementsAre("body.inbound.gate.allowlist"));

  for (const char* good : {"2030-01-02T03:04:05Z", "2030-01-02T03:04:05.123456+02:00"}) {
    std::string text = R"({"expires_at":")" + std::string(good) + R"("})";
    EXPECT_THAT(places("createApiKey", text), IsEmpty()) << good;
  }
  for (const char* bad : {"", "tomorrow", "2030-01-02", "2030-13-02T03:04:05Z"}) {
    std::string text = R"({"expires_at":")" + std::string(bad) + R"("})";
    EXPECT_THAT(places("createApiKey", text), ElementsAre("body.expires_at")) << bad;
  }
}

TEST(Body, AnAnswerListsABoundedNumberOfFaultsAtBoundedPlaces) {
  std::string text = R"({"to":[)";
  for (int i = 0; i < 10'000; ++i) text += i == 0 ? "1" : ",1";
  text += "]}";
  EXPECT_THAT(send(text), SizeIs(kFaultsMax));

  std::string name;
  for (int i = 0; i < 100'000; ++i) name += "\xc3\xa9";
  const auto named = send(R"({"to":[],")" + name + R"(":1})");
  ASSERT_THAT(named, SizeIs(1));
  EXPECT_LE(named.front().size(), 200U);
  EXPECT_TRUE(is_clean_utf8(named.front())) << "not cut within a character";
}

TEST(Body, NeverEchoesAValue) {
  auto body = parse_json(R"({"to":["x"],"unsubscribe":{"mode":"s3cret"},"subject":["s3cret"]})");
  std::vector<FieldError> faults;
  contract().check_body("sendMessage", *body, faults);
  ASSERT_THAT(faults, SizeIs(2));
  for (const FieldError& fault : faults) EXPECT_EQ(fault.message.find("s3cret"), std::string::npos);
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* empty : {"", " \r\n\t"}) EXPECT_EQ(parse_json(empty).error(), JsonFault::empty);
  const std::vector<std::string> malformed = {"{",
                                              "{\"a\":1,}",
                                              "{'a':1}",
                                              "{\"a\":1} x",
                                              "NaN",
                                              "// c\n{}",
                                              "{\"a\":\"\xff\"}",
                                              "{\"a\":\"\xc0\x80\"}",
                                              R"({"a":"\ud800"})",
                                              R"({"a":"\udc00x"})",
                                              "\xef\xbb\xbf{}",
                                              "{\"a\":\"\x01\"}",
                                              std::string("{}\0", 3),
                                              "{\"a\":01}"};
  for (const std::string& text : malformed) {
    const auto parsed = parse_json(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), JsonFault::malformed) << text;
  }
  const std::string deep = std::string(33, '[') + std::string(33, ']');
  EXPECT_EQ(parse_json(deep).error(), JsonFault::too_deep);
  EXPECT_TRUE(parse_json(std::string(32, '[') + std::string(32, ']')));
}

TEST(Json, CountsTheValuesOfATextBeforeTheyTakeMemory) {
  const auto list_of = [](std::size_t items, std::string_view item) {
    std::string text = "[";
    for (std::size_t i = 0; i < items; ++i) text.append(i == 0 ? "" : ",").append(item);
    return text + "]";
  };
  EXPECT_TRUE(parse_json(list_of(kJsonValuesMax - 1, "0")));
  EXPECT_EQ(parse_json(list_of(kJsonValuesMax, "0")).error(), JsonFault::too_many_values);
  EXPECT_EQ(parse_json(list_of(kJsonValuesMax / 2, "{}")).error(), JsonFault::too_many_values);
  // Text is text, whatever stands in it.
  const std::string commas(2 * kJsonValuesMax, ',');
  EXPECT_TRUE(parse_json(R"({"a":")" + commas + R"("})"));
  EXPECT_TRUE(parse_json(R"({"a":"\\\"","b":"\"[[[)" + commas + R"("})"));
  EXPECT_EQ(parse_json(R"({"a":"\\"[)" + commas).error(), JsonFault::too_many_values);
}

TEST(Json, TheLastOfMembersWithOneNameCounts) {
  EXPECT_EQ(json::serialize(*parse_json(R"({"a":1,"a":2})")), R"({"a":2})");
}

TEST(Query, ReadsDeclaredParametersWithTheirDefaults) {
  std::vector<std::string> faults;
  const auto values =
      query("listMessages", "labels=a%2Cb,c&labels=z&deleted=T&unknown=1&from=x+y%40z", faults);
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_THAT(values, UnorderedElementsAre(std::pair<std::string, QueryValue>(
                                               "labels", std::vector<std::string>{"a", "b", "c"}),
                                           std::pair<std::string, QueryValue>("deleted", true),
                                           std::pair<std::string, QueryValue>("from", std::string("x y@z")),
                                           std::pair<std::string, QueryValue>("limit", std::int64_t{100})));
  EXPECT_THAT(query("getMessageLifecycle", "", faults),
              ElementsAre(std::pair<std::string, QueryValue>("limit", std::int64_t{50})));
}

TEST(Query, TheFirstValueCountsAndAnEmptyOneIsAbsent) {
  std::vector<std::string> faults;
  EXPECT_THAT(query("listReviews", "limit=7&limit=x&cursor=", faults),
              ElementsAre(std::pair<std::string, QueryValue>("limit", std::int64_t{7})));
  EXPECT_THAT(faults, IsEmpty());
}

TEST(Query, NamesWhatIsWrong) {
  std::vector<std::string> faults;
  for (const char* limit :
       {"0", "-5", "101", "1000000", "abc", "1.0", "99999999999999999999", "%31x", "%zz"}) {
    query("listAgents", "limit=" + std::string(limit), faults);
    EXPECT_THAT(faults, ElementsAre("query.limit")) << limit;
  }
  query("listMessages", "limit=0&sort=up&deleted=yes&direction=Inbound&from=%ff&cursor=%00", faults);
  EXPECT_THAT(faults, UnorderedElementsAre("query.limit", "query.sort", "query.deleted", "query.direction",
                                           "query.from", "query.cursor"));
}

TEST(Query, TakesExactlyTheSpellingsOfBooleans) {
  std::vector<std::string> faults;
  for (const char* yes : {"true", "1", "t", "T", "TRUE", "True"}) {
    const auto values = query("listAgents", "deleted=" + std::string(yes), faults);
    EXPECT_THAT(values, testing::Contains(std::pair<std::string, QueryValue>("deleted", true))) << yes;
  }
  for (const char* no : {"false", "0", "f", "F", "FALSE", "False"}) {
    const auto values = query("listAgents", "deleted=" + std::string(no), faults);
    EXPECT_THAT(values, testing::Contains(std::pair<std::string, QueryValue>("deleted", false))) << no;
  }
  for (const char* other : {"yes", "tRUE", "2", "on", "+1"}) {
    query("listAgents", "deleted=" + std::string(other), faults);
    EXPECT_THAT(faults, ElementsAre("query.deleted")) << other;
  }
}

TEST(Query, AConfirmationIsRequiredInItsExactForm) {
  std::vector<std::string> faults;
  for (const char* raw : {"", "confirm=", "confirm=delete", "confirm=DELETE%20", "Confirm=DELETE"}) {
    query("deleteAgent", raw, faults);
    EXPECT_THAT(faults, ElementsAre("query.confirm")) << raw;
  }
  query("deleteAgent", "confirm=DELETE", faults);
  EXPECT_THAT(faults, IsEmpty());
  query("deleteMessage", "confirm=whatever", faults);
  EXPECT_THAT(faults, IsEmpty()) << "a free string there";
}

TEST(Answers, AreCheckedByTheSameStructures) {
  const json::value good = {{"deleted", true}, {"email", "a@b"}, {"messages_deleted", 0}};
  EXPECT_THAT(contract().check_response("deleteAgent", 200, good), IsEmpty());
  json::value more = good;
  more.as_object()["new_member"] = 1;
  EXPECT_THAT(contract().check_response("deleteAgent", 200, more), IsEmpty());
  const json::value bad = {{"deleted", nullptr}, {"email", "a@b"}, {"messages_deleted", 0.0}};
  EXPECT_THAT(contract().check_response("deleteAgent", 200, bad), SizeIs(2));
  EXPECT_THAT(contract().check_response("deleteAgent", 201, good), SizeIs(1)) << "not a declared status";
  EXPECT_THAT(contract().check_response("deleteAgent", 404, good), SizeIs(1)) << "not an error envelope";
}

TEST(Document, DeclaresExactlyTheOperationsOfTheTable) {
  std::vector<std::string> table;
  for (const Operation& operation : operations()) table.emplace_back(operation.id);
  EXPECT_THAT(contract().operation_ids(), testing::UnorderedElementsAreArray(table));

  const json::value document = json::parse(std::string(openapi_document()));
  for (const Operation& operation : operations()) {
    std::string method(operation.method);
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    const json::object& paths = document.at("paths").as_object();
    ASSERT_TRUE(paths.contains(operation.path)) << operation.path;
    const json::object& declared = paths.at(operation.path).at(method).as_object();
    EXPECT_EQ(declared.at("operationId").as_string(), operation.id);
    EXPECT_EQ(declared.at("security").as_array().empty(), operation.caller == Caller::none);
    const std::string text = json::serialize(declared);
    EXPECT_EQ(text.find("Idempotency-Key") != std::string::npos, operation.keyed) << operation.id;
    EXPECT_EQ(text.find("RateLimit-Limit") != std::string::npos, operation.limiter != LimiterKind::none)
        << operation.id;
    std::string path = std::string(operation.path);
    for (const json::value& parameter :
         declared.contains("parameters") ? declared.at("parameters").as_array() : json::array()) {
      if (parameter.at("in") != "path") continue;
      EXPECT_NE(path.find("{" + std::string(parameter.at("name").as_string()) + "}"), std::string::npos);
    }
  }
}

bool is_extension(const json::value& document, const Operation& operation) {
  std::string method(operation.method);
  std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  return document.at("paths").at(operation.path).at(method).as_object().contains("x-extension");
}

// A schema without what only one of the two notations has.
json::value plain(const json::value& value) {
  if (const json::array* array = value.if_array()) {
    json::array result;
    for (const json::value& item : *array) result.push_back(plain(item));
    return result;
  }
  const json::object* object = value.if_object();
  if (!object) return value;
  json::object result;
  for (const auto& member : *object) {
    const std::string_view name = member.key();
    if (name == "stability" || name == "experimental_values" || name.starts_with("x-")) continue;
    if (name == "description" && member.value().is_string()) continue;
    if (name == "$ref") {
      const std::string_view target = member.value().as_string();
      result["$ref"] = target.substr(target.find_last_of("/#") + 1);
    } else {
      result[name] = plain(member.value());
    }
  }
  return result;
}

TEST(Document, HasTheStructuresOfTheContractWhereThatIsAtHand) {
  std::vector<std::string> sources;
  for (const char* path : {"../shared/contract/schemas.json"}) {
    if (std::ifstream file(path); file)
      sources.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  const json::value document = json::parse(std::string(openapi_document()));
  for (const std::string& source : sources) {
    const json::value reference = json::parse(source);
    const json::object& theirs = reference.at("schemas").as_object();
    for (const auto& schema : document.at("components").at("schemas").as_object()) {
      if (schema.value().as_object().contains("x-extension")) continue;  // our own
      ASSERT_TRUE(theirs.contains(schema.key())) << schema.key();
      EXPECT_EQ(plain(schema.value()), plain(theirs.at(schema.key()))) << schema.key();
    }
    for (const Operation& operation : operations()) {
      if (is_extension(document, operation)) continue;
      const json::object& facts = reference.at("operations").at(operation.id).as_object();
      EXPECT_EQ(facts.at("method").as_string(), operation.method);
      EXPECT_EQ(facts.at("path").as_string(), operation.path);
      EXPECT_EQ(facts.contains("body"), contract().has_body(operation.id)) << operation.id;
    }
    const json::object& codes = reference.at("error_codes").as_object();
    EXPECT_EQ(codes.size(), all_errors().size());
    for (const ErrorFacts& error : all_errors()) {
      const json::object& theirs_of_code = codes.at(error.name).as_object();
      EXPECT_EQ(theirs_of_code.at("family").as_string(), to_string(error.family)) << error.name;
      EXPECT_EQ(theirs_of_code.at("retryable").as_bool(), error.retryable) << error.name;
    }
  }
}

TEST(Text, KnowsWellFormedUtf8) {
  for (const char* good : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x93\xa7", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(is_clean_utf8(good));
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "a\xff"}) {
    EXPECT_FALSE(is_clean_utf8(bad));
  }
  EXPECT_FALSE(is_clean_utf8(std::string_view("a\0b", 3)));
  EXPECT_EQ(code_points("a\xc3\xa9\xf0\x9f\x93\xa7"), 3U);
}

}  // namespace
}  // namespace countersign::agent::rest
