// Where a webhook may lead.
#include "agent/webhook/target.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "support/zone_resolver.hpp"

namespace countersign::agent::webhook {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::HasSubstr;

class TargetTest : public testing::Test {
 protected:
  Result<Addresses, std::string> find(const std::string& host, bool allow_private = false) {
    asio::io_context io;
    Targets targets(asio::make_strand(asio::any_io_executor(io.get_executor())), dns_, allow_private);
    auto found = asio::co_spawn(io, targets.find(host), asio::use_future);
    io.run();
    return found.get();
  }

  test::ZoneResolver dns_{R"(
    good.example   A     8.8.8.8
    good.example   AAAA  2606:4700::1111
    v6.example     AAAA  2606:4700::1111
    inside.example A     10.0.0.1
    mixed.example  A     8.8.8.8
    mixed.example  A     127.0.0.1
    mapped.example A     8.8.8.8
    mapped.example AAAA  ::ffff:127.0.0.1
    alias.example  CNAME inside.example
    broken.example FAIL
    half.example   A     8.8.8.8
    half.example   FAIL  AAAA
  )"};
};

TEST_F(TargetTest, IsEveryAddressWhenAllArePublic) {
  EXPECT_THAT(find("good.example").value(), ElementsAre("8.8.8.8", "2606:4700::1111"));
  EXPECT_THAT(find("v6.example").value(), ElementsAre("2606:4700::1111"));
  EXPECT_THAT(find("half.example").value(), ElementsAre("8.8.8.8"));
}

TEST_F(TargetTest, IsNothingWhenOneIsNot) {
  for (const char* host : {"inside.example", "mixed.example", "mapped.example", "alias.example"}) {
    EXPECT_THAT(find(host).error(), HasSubstr("not public")) << host;
  }
  EXPECT_THAT(find("inside.example", true).value(), ElementsAre("10.0.0.1"));
}

TEST_F(TargetTest, SaysWhetherItIsWorthAskingAgain) {
  EXPECT_THAT(find("none.example").error(), HasSubstr("no address"));
  EXPECT_THAT(find("broken.example").error(), HasSubstr("at present"));
}

}  // namespace
}  // namespace countersign::agent::webhook
