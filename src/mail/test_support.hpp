// Compositions for tests: read from JSON fixtures, written back for the oracle, and drawn at random.
#pragma once

#include <boost/json.hpp>
#include <deque>
#include <random>
#include <string>

#include "mail/compose.hpp"

namespace countersign::mail::testing_support {

/// A composition together with the attachment bytes it refers to.
struct Sample {
  Composition composition;
  std::deque<std::string> contents;

  Sample() = default;
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;
  Sample(Sample&&) = default;
  Sample& operator=(Sample&&) = default;

  void attach(std::string filename, std::string content_type, std::string content);
};

/// Members as in Composition; `from` as a mailbox text, `date` as RFC 3339, attachment `content` as text or
/// `content_base64`.
[[nodiscard]] Sample sample_from_json(const boost::json::object& json);
/// The reverse, attachment bytes as `content_base64`.
[[nodiscard]] boost::json::object to_json(const Sample& sample);
/// Anything a caller may pass: every kind of character and length in every field.
[[nodiscard]] Sample random_sample(std::mt19937_64& random);

[[nodiscard]] std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view bytes);

/// The pieces, up to `count_max` of them, in random order.
[[nodiscard]] std::string random_text(std::mt19937_64& random, std::span<const std::string> pieces,
                                      std::size_t count_max);

}  // namespace countersign::mail::testing_support
