#include "base/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

namespace countersign::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, ShowZeroBeforeAnythingHappened) {
  const Metrics metrics;
  const std::string text = metrics.render();
  EXPECT_THAT(text, HasSubstr("# TYPE countersign_holds_pending gauge\ncountersign_holds_pending 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("countersign_http_requests_total{")));
}

TEST(Metrics, KeepSeriesApartByTheirLabels) {
  Metrics metrics;
  metrics.count(Metric::http_requests_total, {"sendMessage", "202"});
  metrics.count(Metric::http_requests_total, {"sendMessage", "202"});
  metrics.count(Metric::http_requests_total, {"sendMessage", "429"}, 3);
  const std::string text = metrics.render();
  EXPECT_THAT(text, HasSubstr(R"(countersign_http_requests_total{operation="sendMessage",status="202"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(countersign_http_requests_total{operation="sendMessage",status="429"} 3)"));
}

TEST(Metrics, GaugesGoBothWays) {
  Metrics metrics;
  metrics.set(Metric::holds_pending, 7);
  metrics.add(Metric::holds_pending, -2);
  metrics.add(Metric::build_info, {"1.2.3"}, 1);
  EXPECT_THAT(metrics.render(), HasSubstr("\ncountersign_holds_pending 5\n"));
  EXPECT_THAT(metrics.render(), HasSubstr("countersign_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(Metrics, HistogramsCountWhatIsAtMostTheirBounds) {
  Metrics metrics;
  metrics.observe(Metric::http_request_seconds, {"getAgent"}, 0.0025);
  metrics.observe(Metric::http_request_seconds, {"getAgent"}, 60);
  const std::string text = metrics.render();
  EXPECT_THAT(text,
              HasSubstr("countersign_http_request_seconds_bucket{operation=\"getAgent\",le=\"0.001\"} 0\n"));
  EXPECT_THAT(text,
              HasSubstr("countersign_http_request_seconds_bucket{operation=\"getAgent\",le=\"0.0025\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("countersign_http_request_seconds_bucket{operation=\"getAgent\",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("countersign_http_request_seconds_count{operation=\"getAgent\"} 2\n"));
}

TEST(Metrics, CountLabelValuesBeyondTheLimitUnderOther) {
  Metrics metrics;
  for (std::size_t i = 0; i < kSeriesMax + 10; ++i) {
    metrics.count(Metric::submissions_total, {"outcome_" + std::to_string(i)});
  }
  EXPECT_THAT(metrics.render(), HasSubstr("countersign_submissions_total{outcome=\"other\"} 10\n"));
}

TEST(Metrics, EscapeLabelValues) {
  Metrics metrics;
  metrics.set(Metric::build_info, {"1\"\n2"}, 1);
  EXPECT_THAT(metrics.render(), HasSubstr(R"(countersign_build_info{version="1\"\n2"} 1)"));
}

TEST(Metrics, LoseNothingBetweenThreads) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&metrics] {
        for (int j = 0; j < 1000; ++j) metrics.count(Metric::reviews_resolved_total, {"approved"});
      });
    }
  }
  EXPECT_THAT(metrics.render(), HasSubstr("countersign_reviews_resolved_total{outcome=\"approved\"} 4000\n"));
}

TEST(MetricDefinitions, StandInTheirOwnPlaces) {
  std::set<std::string_view> names;
  std::size_t place = 0;
  for (const Definition& definition : definitions()) {
    EXPECT_EQ(static_cast<std::size_t>(definition.metric), place++) << definition.name;
    EXPECT_TRUE(names.insert(definition.name).second) << definition.name;
    EXPECT_EQ(definition.type == Type::counter, definition.name.ends_with("_total")) << definition.name;
    EXPECT_EQ(definition.type == Type::histogram, !definition.buckets.empty()) << definition.name;
    EXPECT_TRUE(std::ranges::is_sorted(definition.buckets)) << definition.name;
  }
}

TEST(MetricDefinitions, AreDocumentedAsTheyAre) {
  const std::string path = "docs/metrics.md";
  if (std::getenv("COUNTERSIGN_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << metrics_markdown();
  std::ifstream file(path);
  const std::string committed{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(committed, metrics_markdown())
      << "run with COUNTERSIGN_UPDATE_GOLDEN=1 and look at the difference";
}

}  // namespace
}  // namespace countersign::metrics
