#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "base/error.hpp"
#include "base/time.hpp"

namespace countersign::log {
namespace {

struct Sink {
  std::shared_ptr<spdlog::logger> logger;
  std::atomic<Level> level{Level::info};
  std::atomic<Format> format{Format::text};

  Sink() : logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
  }
};

Sink& sink() {
  static Sink instance;
  return instance;
}

const char* name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

// JSON string, RFC 8259 §7. Bytes that are not ASCII pass through; control characters are escaped, so that no
// value can forge a line.
void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

bool plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

std::string as_json(Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line =
      fmt::format(R"({{"time":"{}","level":"{}","event":)", to_rfc3339(SystemClock().now()), name_of(level));
  append_json(line, event);
  for (const Field& field : fields) {
    line += ',';
    append_json(line, field.key);
    line += ':';
    if (field.is_number) {
      line += std::to_string(field.number);
    } else {
      append_json(line, field.text);
    }
  }
  line += '}';
  return line;
}

std::string as_text(Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line = fmt::format("{} {:5} {}", to_rfc3339(SystemClock().now()), name_of(level), event);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (field.is_number) {
      line += std::to_string(field.number);
    } else if (plain(field.text)) {
      line += field.text;
    } else {
      append_json(line, field.text);
    }
  }
  return line;
}

}  // namespace

void configure(Level level, Format format) {
  sink().level = level;
  sink().format = format;
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  Sink& s = sink();
  if (level < s.level.load(std::memory_order_relaxed)) return;
  const std::string line = s.format.load(std::memory_order_relaxed) == Format::json
                               ? as_json(level, event, fields)
                               : as_text(level, event, fields);
  s.logger->log(spdlog::level::info, "{}", line);
}

void failure(std::string_view event, const std::exception& error) {
  const bool surroundings = dynamic_cast<const EnvironmentError*>(&error) != nullptr;
  write(surroundings ? Level::warn : Level::error, event, {{"error", error.what()}});
}

}  // namespace countersign::log
