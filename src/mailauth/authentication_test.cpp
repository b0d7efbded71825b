// Whole messages: zone, origin and header in testdata/authentication_cases.json with the statuses they must
// get; the complete objects are the golden file next to it.
#include "mailauth/authentication.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

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
