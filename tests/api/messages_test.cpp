// The mailbox over the API: lists and their filters, read state, labels, trash, lifecycle.
#include "api/api_fixture.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kMessages = kBotPath + "/messages";

class MessagesApiTest : public ApiTest {
 protected:
  explicit MessagesApiTest(rest::SearchLimits search = {}) : ApiTest({}, {}, search) {}

  std::vector<std::string> subjects(const std::string& query) {
    const Reply page = get(kMessages + "?" + query);
    EXPECT_THAT(page, Answered(200));
    std::vector<std::string> out;
    for (const json::value& item : page.items()) out.emplace_back(item.at("subject").as_string());
    return out;
  }
  std::string read_status(const std::string& id) {
    const Reply page = get(kMessages + "?direction=all&read_status=all");
    for (const json::value& item : page.items()) {
      if (item.at("id").as_string() == id) return std::string(item.at("read_status").as_string());
    }
    return "absent";
  }
};
COUNTERSIGN_ON_EVERY_STORE(MessagesApiTest);

TEST_P(MessagesApiTest, TheDefaultListIsUnreadInboundNewestFirst) {
  receive("one");
  const std::string two = receive("two");
  receive("three");
  send("a@x.example", "outbound");
  EXPECT_THAT(subjects(""), ElementsAre("three", "two", "one"));
  get(kMessages + "/" + two);
  EXPECT_THAT(subjects(""), ElementsAre("three", "one"));
  EXPECT_THAT(subjects("sort=asc"), ElementsAre("one", "three"));
  EXPECT_THAT(subjects("read_status=read"), ElementsAre("two"));
  EXPECT_THAT(subjects("read_status=all"), ElementsAre("three", "two", "one"));
  EXPECT_THAT(subjects("direction=outbound"), ElementsAre("outbound", "three", "two", "one"));
  EXPECT_THAT(subjects("direction=all&read_status=read"), ElementsAre("two"));
  EXPECT_EQ(subjects("direction=all&read_status=unread").size(), 7U) << "not applied over both directions";
  EXPECT_EQ(subjects("direction=all").size(), 7U);
}

TEST_P(MessagesApiTest, FiltersAreLiteralSubstringsWithoutRegardToCase) {
  receive("Invoice 100% _due_");
  receive("Other", R"("conversation_id":"thread 7")");
  EXPECT_THAT(subjects("subject_contains=INVOICE"), ElementsAre("Invoice 100% _due_"));
  EXPECT_THAT(subjects("subject_contains=%25%20_"), ElementsAre("Invoice 100% _due_"));
  EXPECT_THAT(subjects("subject_contains=100_"), IsEmpty());
  EXPECT_THAT(subjects("from=BOT%40AGENTS"), ElementsAre("Other", "Invoice 100% _due_"));
  EXPECT_THAT(subjects("from=nobody"), IsEmpty());
  EXPECT_THAT(subjects("conversation_id=thread%207"), ElementsAre("Other"));
  EXPECT_THAT(subjects("conversation_id=thread"), IsEmpty());
}

TEST_P(MessagesApiTest, TimesBoundTheListSinceInclusiveUntilExclusive) {
  receive("one");
  receive("two");
  const Reply page = get(kMessages);
  const std::string second(page.items().at(0).at("created_at").as_string());
  EXPECT_THAT(subjects("since=" + second), ElementsAre("two"));
  EXPECT_THAT(subjects("until=" + second), ElementsAre("one"));
  EXPECT_THAT(subjects("since=2026-11-23T00:00:00%2B02:00&until=2030-01-01T00:00:00Z"),
              ElementsAre("two", "one"));
}

TEST_P(MessagesApiTest, AFilterThatMakesNoSenseIsRefused) {
  const std::string long_text(201, 'x');
  for (const std::string& query :
       {"from=" + long_text, "subject_contains=" + long_text, "conversation_id=" + long_text,
        std::string("conversation_id=a%0D%0Ab"), std::string("since=yesterday"),
        std::string("until=2026-11-23"), std::string("since=2026-11-23T10:00:00Z&until=2026-11-23T10:00:00Z"),
        std::string("direction=outbound&read_status=unread"),
        std::string("direction=outbound&read_status=read"), std::string("labels=a,,b"),
        std::string("labels=a%20b"), "labels=" + std::string(65, 'a'), "labels=" + [] {
          std::string many = "l0";
          for (int i = 1; i < 51; ++i) many += ",l" + std::to_string(i);
          return many;
        }()}) {
    EXPECT_THAT(get(kMessages + "?" + query), Refused(400, "invalid_filter")) << query;
  }
  for (const char* query : {"direction=sideways", "read_status=x", "sort=up", "limit=0", "limit=101",
                            "limit=x", "from=%00", "subject_contains=%ff", "deleted=maybe"}) {
    EXPECT_THAT(get(kMessages + "?" + query), Refused(422, "invalid_request")) << query;
  }
}

TEST_P(MessagesApiTest, PagesCoverTheListOnceWhateverArrivesMeanwhile) {
  for (int i = 0; i < 7; ++i) receive("m" + std::to_string(i));
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const Reply page = get(kMessages + "?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const json::value& item : page.items()) seen.emplace_back(item.at("subject").as_string());
    cursor = page.next_cursor();
    receive("later");
  } while (!cursor.empty());
  EXPECT_THAT(seen, ElementsAre("m6", "m5", "m4", "m3", "m2", "m1", "m0"));
}

// Six messages, of which the oldest and the fourth match, looked through two at a time.
class SearchApiTest : public MessagesApiTest {
 protected:
  explicit SearchApiTest(rest::SearchLimits limits = {.rows_of_step = 2}) : MessagesApiTest(limits) {
    for (const char* subject : {"invoice 1", "a", "b", "invoice 2", "c", "d"}) receive(subject);
  }
  Reply search(const std::string& more) { return get(kMessages + "?subject_contains=invoice" + more); }
  // The numbers of messages on each page.
  std::vector<std::size_t> pages(const std::string& more) {
    std::vector<std::size_t> out;
    std::string cursor;
    do {
      const Reply page = search(more + (cursor.empty() ? "" : "&cursor=" + cursor));
      out.push_back(page.items().size());
      cursor = page.next_cursor();
    } while (!cursor.empty() && out.size() < 20);
    return out;
  }
};
COUNTERSIGN_ON_EVERY_STORE(SearchApiTest);

TEST_P(SearchApiTest, GoesOnWithinTheRequestUntilThePageIsFullOrTheMailboxEnds) {
  EXPECT_THAT(pages(""), ElementsAre(2U));
  EXPECT_THAT(pages("&limit=2"), ElementsAre(2U)) << "no cursor to an empty page";
  EXPECT_THAT(pages("&limit=1"), ElementsAre(1U, 1U));
  EXPECT_THAT(pages("&limit=1&sort=asc"), ElementsAre(1U, 1U));
  EXPECT_THAT(pages("&from=nobody"), ElementsAre(0U));
  EXPECT_THAT(search("&deleted=perhaps"), Refused(422, "invalid_request"));
}

class ShortSearchApiTest : public SearchApiTest {
 protected:
  ShortSearchApiTest() : SearchApiTest({.rows_of_step = 2, .steps_max = 2}) {}
};
COUNTERSIGN_ON_EVERY_STORE(ShortSearchApiTest);

TEST_P(ShortSearchApiTest, EndsAPageAfterItsStepsAndLeadsOn) {
  EXPECT_THAT(pages(""), ElementsAre(1U, 1U));
  EXPECT_THAT(pages("&from=nobody"), ElementsAre(0U, 0U));
}

class HurriedSearchApiTest : public SearchApiTest {
 protected:
  HurriedSearchApiTest() : SearchApiTest({.rows_of_step = 2, .time_max = std::chrono::milliseconds(0)}) {}
};
COUNTERSIGN_ON_EVERY_STORE(HurriedSearchApiTest);

TEST_P(HurriedSearchApiTest, BeginsNoFurtherStepOnceItsTimeIsOver) {
  EXPECT_THAT(pages(""), ElementsAre(0U, 1U, 1U, 0U));
}

TEST_P(MessagesApiTest, ACursorIsBoundToItsAgentAndFilters) {
  for (int i = 0; i < 3; ++i) receive("m");
  const std::string cursor = get(kMessages + "?limit=1").next_cursor();
  ASSERT_FALSE(cursor.empty());
  EXPECT_THAT(get(kMessages + "?limit=2&cursor=" + cursor), Answered(200));
  EXPECT_THAT(get(kMessages + "?direction=inbound&read_status=unread&cursor=" + cursor), Answered(200))
      << "bound to the filters after defaulting";
  for (const char* query :
       {"sort=asc", "read_status=all", "direction=all", "from=b", "subject_contains=m", "conversation_id=c",
        "since=2020-01-01T00:00:00Z", "until=2030-01-01T00:00:00Z", "labels=a", "deleted=true"}) {
    EXPECT_THAT(get(kMessages + "?" + query + "&cursor=" + cursor), Refused(400, "invalid_cursor")) << query;
  }
  EXPECT_THAT(get("/v1/agents/sister@agents.example/messages?cursor=" + cursor),
              Refused(400, "invalid_cursor"));
  EXPECT_THAT(get(kMessages + "?cursor=" + cursor + "A"), Refused(400, "invalid_cursor"));
}

TEST_P(MessagesApiTest, ReadingMarksAsReadAndListingDoesNot) {
  const std::string id = receive("hello");
  EXPECT_EQ(read_status(id), "unread");
  get(kMessages + "/" + id + "/lifecycle");
  patch(kMessages + "/" + id, R"({"add_labels":["seen"]})");
  get("/v1/reviews/" + id);
  EXPECT_EQ(read_status(id), "unread");
  EXPECT_EQ(get(kMessages + "/" + id).text("read_status"), "read");
  EXPECT_EQ(read_status(id), "read");
}

TEST_P(MessagesApiTest, TheViewShowsTheMessageAndItsAttachments) {
  const std::string id =
      receive("with file",
              R"("html":"<p>x</p>","reply_to":"Boss <boss@x.example>",)"
              R"("attachments":[{"filename":"Grüße.txt","content_type":"text/plain","data":"aGVs bG8="}])");
  const Reply view = get(kMessages + "/" + id);
  ASSERT_THAT(view, Answered(200));
  EXPECT_EQ(view.text("direction"), "inbound");
  EXPECT_EQ(view.text("delivered_to"), kBot);
  EXPECT_EQ(json::serialize(view.json.at("reply_to")), R"(["boss@x.example"])");
  const json::value& attachment = view.json.at("attachments").as_array().at(0);
  EXPECT_EQ(attachment.at("filename").as_string(), "Grüße.txt");
  EXPECT_EQ(attachment.at("size_bytes").as_int64(), 5);
  EXPECT_EQ(attachment.at("index").as_int64(), 0);
  EXPECT_GT(view.json.at("size_bytes").as_int64(), 100);
  EXPECT_FALSE(view.has("review_status"));
  EXPECT_FALSE(view.has("body"));
  EXPECT_FALSE(view.has("deleted_at"));
}

TEST_P(MessagesApiTest, ParallelReadsAreByteIdentical) {
  const std::string id = receive("same for all");
  const Ask ask{"GET", kMessages + "/" + id, "", ada_, {}};
  std::vector<std::future<rest::Response>> started;
  for (int i = 0; i < 24; ++i) started.push_back(start(ask));
  std::set<std::string> bodies;
  for (auto& future : started) {
    const Reply reply = finish(ask, future.get());
    EXPECT_THAT(reply, Answered(200));
    bodies.insert(reply.body);
  }
  EXPECT_EQ(bodies.size(), 1U);
}

TEST_P(MessagesApiTest, PolledOperationsCarryTheirRateHeaders) {
  const Reply list = get(kMessages);
  EXPECT_EQ(list.headers.get("RateLimit-Limit"), "240");
  EXPECT_EQ(list.headers.get("RateLimit-Remaining"), "239");
  EXPECT_FALSE(list.headers.get("RateLimit-Reset").empty());
  EXPECT_EQ(ask({.target = kMessages, .key = bot_}).headers.get("RateLimit-Remaining"), "238")
      << "one allowance per account";
}

// --- labels ----------------------------------------------------------------------------------------------

TEST_P(MessagesApiTest, LabelsAreNormalisedSortedAndFilterable) {
  const std::string id = receive("labelled");
  receive("plain");
  const Reply changed = patch(kMessages + "/" + id, R"({"add_labels":[" Urgent ","b:1","urgent"]})");
  ASSERT_THAT(changed, Answered(200));
  EXPECT_EQ(changed.body, R"({"message_id":")" + id + R"(","labels":["b:1","urgent"]})");
  EXPECT_THAT(subjects("labels=urgent,b:1"), ElementsAre("labelled"));
  EXPECT_THAT(subjects("labels=urgent,other"), IsEmpty());
  EXPECT_THAT(subjects("labels=e2a:system"), IsEmpty()) << "reserved names may be looked for";
  EXPECT_EQ(json::serialize(patch(kMessages + "/" + id, R"({"add_labels":["x"],"remove_labels":["x","b:1"]})")
                                .json.at("labels")),
            R"(["urgent"])");
  EXPECT_EQ(json::serialize(patch(kMessages + "/" + id, "{}").json.at("labels")), R"(["urgent"])");
}

TEST_P(MessagesApiTest, BadLabelsAreRefusedBeforeTheMessageIsLookedFor) {
  std::string many = "\"l0\"";
  for (int i = 1; i < 51; ++i) many += ",\"l" + std::to_string(i) + "\"";
  const auto before = row_counts();
  for (const std::string& body :
       {std::string(R"({"add_labels":["e2a:x"]})"), std::string(R"({"remove_labels":["e2a:x"]})"),
        std::string(R"({"add_labels":["a b"]})"), std::string(R"({"add_labels":[""]})"),
        std::string(R"({"add_labels":["ä"]})"), R"({"add_labels":[")" + std::string(65, 'a') + R"("]})",
        R"({"add_labels":[)" + many + "]}"}) {
    EXPECT_THAT(patch(kMessages + "/msg_none", body), Refused(400, "invalid_request")) << body;
  }
  EXPECT_THAT(patch(kMessages + "/msg_none", R"({"add_labels":["a"]})"), Refused(404, "not_found"));
  EXPECT_EQ(row_counts(), before);
}

TEST_P(MessagesApiTest, AMessageTakesAHundredLabels) {
  const std::string id = receive("many");
  const auto batch = [](int from, int count) {
    std::string list;
    for (int i = from; i < from + count; ++i) {
      list += (i > from ? std::string(",") : std::string()) + "\"l" + std::to_string(i) + "\"";
    }
    return R"({"add_labels":[)" + list + "]}";
  };
  EXPECT_THAT(patch(kMessages + "/" + id, batch(0, 50)), Answered(200));
  EXPECT_THAT(patch(kMessages + "/" + id, batch(50, 50)), Answered(200));
  EXPECT_THAT(patch(kMessages + "/" + id, batch(100, 1)), Refused(400, "invalid_request"));
  EXPECT_EQ(row_counts()["labels"], 100);
}

// --- trash -----------------------------------------------------------------------------------------------

TEST_P(MessagesApiTest, TheTrashHoldsAMessageUntilItIsRestoredOrPurged) {
  const std::string id = receive("keep me");
  const std::string path = kMessages + "/" + id;
  EXPECT_EQ(ask({"DELETE", path + "?confirm=DELETE", "", bot_, {}}).body,
            R"({"deleted":true,"id":")" + id + "\"}");
  EXPECT_THAT(remove(path), Answered(200)) << "again is fine";
  EXPECT_THAT(subjects("direction=inbound&read_status=all"), IsEmpty());
  EXPECT_THAT(subjects("deleted=true"), ElementsAre("keep me"));
  EXPECT_TRUE(get(path).has("deleted_at")) << "still readable";
  EXPECT_THAT(patch(path, "{}"), Refused(404, "not_found"));

  const Reply restored = post(path + "/restore", "");
  ASSERT_THAT(restored, Answered(200));
  EXPECT_FALSE(restored.has("deleted_at"));
  EXPECT_EQ(restored.text("read_status"), "read");
  EXPECT_THAT(post(path + "/restore", "{}"), Refused(409, "not_in_trash"));
  EXPECT_THAT(post(kMessages + "/msg_none/restore", ""), Refused(404, "not_found"));
}

TEST_P(MessagesApiTest, PurgingNeedsTheTrashAConfirmationAndTheAccount) {
  const std::string path = kMessages + "/" + receive("gone soon");
  const std::string purge = path + "?permanent=true&confirm=DELETE";
  const Reply unconfirmed = ask({.method = "DELETE", .target = path + "?permanent=true"});
  EXPECT_THAT(unconfirmed, Refused(422, "invalid_request")) << "before authentication";
  EXPECT_EQ(unconfirmed.json.at("error").at("details").at("fields").at(0).at("location").as_string(),
            "query.confirm");
  EXPECT_THAT(ask({"DELETE", purge, "", bot_, {}}), Refused(403, "forbidden"));
  EXPECT_THAT(remove(purge), Refused(409, "not_in_trash"));
  EXPECT_THAT(remove(path), Answered(200));
  EXPECT_THAT(remove(purge), Answered(200));
  EXPECT_THAT(get(path), Refused(404, "not_found"));
  EXPECT_THAT(remove(purge), Refused(404, "not_found"));
}

TEST_P(MessagesApiTest, AHeldMessageIsNotDeleted) {
  hold_everything();
  const std::string id = held("waiting");
  EXPECT_THAT(remove(kMessages + "/" + id), Refused(409, "message_held"));
  EXPECT_THAT(get("/v1/reviews/" + id), Answered(200));
}

TEST_P(MessagesApiTest, MessagesOfOtherAgentsDoNotExistHere) {
  const std::string id = receive("mine");
  const std::string elsewhere = "/v1/agents/sister@agents.example/messages/" + id;
  const auto before = row_counts();
  EXPECT_THAT(get(elsewhere), Refused(404, "not_found"));
  EXPECT_THAT(patch(elsewhere, R"({"add_labels":["a"]})"), Refused(404, "not_found"));
  EXPECT_THAT(remove(elsewhere), Refused(404, "not_found"));
  EXPECT_THAT(post(elsewhere + "/restore", ""), Refused(404, "not_found"));
  EXPECT_THAT(get(elsewhere + "/lifecycle"), Refused(404, "not_found"));
  EXPECT_THAT(ask({"GET", kMessages + "/" + id, "", eve_, {}}), Refused(404, "not_found"));
  EXPECT_EQ(row_counts(), before);
  EXPECT_EQ(read_status(id), "unread");
}

// --- lifecycle -------------------------------------------------------------------------------------------

TEST_P(MessagesApiTest, TheLifecycleIsToldInOrderAndInPages) {
  hold_everything();
  const std::string id = held("story");
  EXPECT_THAT(post("/v1/reviews/" + id + "/approve", "{}"), Answered(202));
  const std::string path = kMessages + "/" + id + "/lifecycle";
  const Reply all = get(path);
  ASSERT_THAT(all, Answered(200));
  std::vector<std::string> reasons;
  for (const json::value& item : all.items()) {
    reasons.emplace_back(item.at("reason_code").as_string());
    EXPECT_TRUE(item.at("evidence").is_object());
    EXPECT_TRUE(item.at("correlation_ids").is_object());
  }
  EXPECT_THAT(reasons, ElementsAre("acceptance.outbound_api", "review.hold_created", "review.approved",
                                   "queue.outbound_submission"));
  const Reply first = get(path + "?limit=3");
  EXPECT_EQ(first.items().size(), 3U);
  const Reply rest_of_it = get(path + "?limit=3&cursor=" + first.next_cursor());
  EXPECT_EQ(rest_of_it.items().size(), 1U);
  EXPECT_EQ(rest_of_it.items().at(0).at("reason_code").as_string(), "queue.outbound_submission");
  const std::string other = held("other");
  EXPECT_THAT(get(kMessages + "/" + other + "/lifecycle?cursor=" + first.next_cursor()),
              Refused(400, "invalid_cursor"));
}

}  // namespace
}  // namespace countersign::test
