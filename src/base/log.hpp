// Structured logging: one event name and fields; never bodies, subjects, addresses of third parties or
// secrets.
#pragma once

#include <cstdint>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>

namespace countersign::log {

enum class Level { debug, info, warn, error };
enum class Format { text, json };

/// One `key=value` of a log line. The viewed text must outlive the call only.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), text(v) {}
  Field(std::string_view k, const char* v) : key(k), text(v) {}
  Field(std::string_view k, const std::string& v) : key(k), text(v) {}
  Field(std::string_view k, std::int64_t v) : key(k), number(v), is_number(true) {}
  Field(std::string_view k, int v) : key(k), number(v), is_number(true) {}
  Field(std::string_view k, std::size_t v) : key(k), number(static_cast<std::int64_t>(v)), is_number(true) {}
  std::string_view key;
  std::string_view text;
  std::int64_t number = 0;
  bool is_number = false;
};

/// Sets where lines go (standard error) and which are written. Call once, before threads start.
void configure(Level level, Format format);

/// Writes one line: time, level, `event` (a dotted constant such as "dispatcher.claimed"), fields.
/// Thread-safe.
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

/// Why a step of a worker was not done, as the field `error`: a warning where it lay in the surroundings
/// (EnvironmentError), which pass; else an error.
void failure(std::string_view event, const std::exception& error);

}  // namespace countersign::log
