// Reports about mail that was sent: delivery status notifications (RFC 3464, internationalised by RFC 6533)
// and complaints of recipients (ARF, RFC 5965). Pure; what a report says is a stranger's claim, whom to
// believe is the caller's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::mail {

inline constexpr std::size_t kReportRecipientsMax = 100;       // twice what a message may have
inline constexpr std::size_t kReportTextBytesMax = 2048;       // of one text for people (contract §25)
inline constexpr std::size_t kReportFieldsBytesMax = 262'144;  // of the machine-readable part
inline constexpr std::size_t kReportAddressesMax = 100;        // of each kind of address

enum class ReportKind : std::uint8_t {
  none,             // anything else: a letter, an automatic answer, a bounce in a form of its own
  delivery_status,  // RFC 3464
  complaint,        // RFC 5965
};
[[nodiscard]] std::string_view name_of(ReportKind kind);

/// RFC 3464 §2.3.3.
enum class ReportAction : std::uint8_t { failed, delayed, delivered, relayed, expanded };
[[nodiscard]] std::string_view name_of(ReportAction action);

/// The fields about one recipient. Every text is valid UTF-8 without controls.
struct ReportRecipient {
  /// Original-Recipient where it is given, else Final-Recipient: the address that the sender used comes first
  /// where a server in between had rewritten it. A bare addr-spec as written.
  std::string address;
  std::string final_address;  // Final-Recipient
  ReportAction action = ReportAction::failed;
  std::string status;  // RFC 3463, "5.1.1"; empty when absent or malformed
  std::string detail;  // Diagnostic-Code without its type, ≤ kReportTextBytesMax
  std::string remote_mta;
};

/// What a report quotes of the message it is about.
struct ReportedMessage {
  std::string message_id;      // Message-ID without brackets
  std::string e2a_message_id;  // X-E2A-Message-ID
  std::vector<std::string> to;
};

struct Report {
  ReportKind kind = ReportKind::none;
  std::vector<ReportRecipient> recipients;  // of a delivery status
  std::string feedback_type;                // of a complaint, lower case: "abuse", "not-spam", …
  /// Of a complaint: Original-Rcpt-To, in order.
  std::vector<std::string> complained;
  /// Of a complaint: Original-Mail-From, the envelope sender the message had.
  std::string original_envelope_from;
  ReportedMessage original;
  /// Where the report itself was delivered to, by what the delivering server noted (Delivered-To,
  /// X-Original-To, Envelope-To) and then by To. Bare addresses.
  std::vector<std::string> delivered_to;
  bool null_sender = false;     // Return-Path: <>, as RFC 3464 §2 asks of every report
  bool auto_submitted = false;  // Auto-Submitted with anything but "no" (RFC 3834 §5)
};

/// Reads any bytes; what is no report has the kind none. What lies beyond a maximum is left out. Thread-safe.
[[nodiscard]] Report read_report(std::string_view raw);

}  // namespace countersign::mail
