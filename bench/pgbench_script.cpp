#include "pgbench_script.hpp"

#include "base/crypto.hpp"

namespace countersign::bench {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    // A colon before a letter would be taken for a variable; a line end for the end of a literal.
    if (c == ':') {
      out += "' || chr(58) || '";
    } else if (c == '\n') {
      out += "' || chr(10) || '";
    } else {
      out += c;
    }
  }
  return out + "'";
}

bool derived(const std::string& text) {
  return text.size() == 36 &&
         (text.starts_with("mlt_") || text.starts_with("evt_") || text.starts_with("sub_"));
}

std::string expression(const RecordedParam& param, const std::string& message_id, std::size_t salt) {
  switch (param.kind) {
    case store::Param::Kind::null:
      return "NULL";
    case store::Param::Kind::integer:
      return std::to_string(param.integer) + "::bigint";
    case store::Param::Kind::blob:
      return "'\\x" + to_hex(param.text) + "'::bytea";
    case store::Param::Kind::text:
      break;
  }
  if (param.text == message_id)
    return "('msg_' || lpad(to_hex((:id)::bigint), 12, '0') || lpad((:id)::text, 20, '0'))";
  if (derived(param.text)) {
    // As derived_id_near makes them; an observation's id has its stage in front of the time and a digit less
    // behind.
    const bool staged = param.text.starts_with("mlt_");
    return fmt::format(
        "('{}' || lpad(to_hex((:id)::bigint), 12, '0') || substr(md5((:id)::text || 's{}'), 1, {}))",
        param.text.substr(0, staged ? 5 : 4), salt, staged ? 19 : 20);
  }
  return "(" + quoted(param.text) + ")::text";
}

// Approvals spread over the shards of their account's counters; one shard for all would measure a lock
// instead.
bool is_shard(const RecordedStatement& statement, std::size_t number) {
  return statement.name == "account.meter_bytes" && number == 2;
}

std::string substituted(const RecordedStatement& statement, const std::string& message_id, std::size_t salt) {
  std::string out;
  for (std::size_t i = 0; i < statement.sql.size(); ++i) {
    if (statement.sql[i] != '$') {
      out += statement.sql[i];
      continue;
    }
    std::size_t number = 0;
    while (i + 1 < statement.sql.size() &&
           std::isdigit(static_cast<unsigned char>(statement.sql[i + 1])) != 0) {
      number = number * 10 + static_cast<std::size_t>(statement.sql[++i] - '0');
    }
    out += is_shard(statement, number) ? "mod((:id)::bigint, 16)"
                                       : expression(statement.params[number - 1], message_id, salt);
  }
  return out;
}

}  // namespace

std::string pgbench_script(const std::vector<RecordedStatement>& approval, const std::string& message_id,
                           std::int64_t first, std::int64_t per_client, bool pipelined) {
  std::string script =
      fmt::format("\\set id {} + :client_id * {} + :next\n\\set next :next + 1\n", first, per_client);
  if (pipelined) script += "\\startpipeline\n";
  script += "BEGIN;\n";
  for (std::size_t i = 0; i < approval.size(); ++i) script += substituted(approval[i], message_id, i) + ";\n";
  script += "COMMIT;\n";
  if (pipelined) script += "\\endpipeline\n";
  return script;
}

}  // namespace countersign::bench
