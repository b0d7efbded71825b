// What screening and gates found, in the forms of the contract: protection findings and the reason of a hold.
#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <optional>
#include <string_view>

#include "hold/gate.hpp"
#include "mailbox/message.hpp"
#include "screen/screen.hpp"

namespace countersign::hold {

enum class Direction : std::uint8_t { inbound, outbound };

/// Entries of the contract's `protection` (ProtectionFindingView), source `scan`: one for the content rules
/// and one for the detector when it had something to say; empty without findings. verdict    what was
/// decided; `pass` leaves `action` out detector   name of the outside detector, "" when none is asked
[[nodiscard]] boost::json::array findings_json(const screen::Report& report, screen::Verdict verdict,
                                               std::string_view detector);

/// `findings` (a JSON list; nothing: none) and behind them an entry, source `gate`, for each trip of a gate.
[[nodiscard]] std::optional<std::string> with_gate_findings(std::optional<std::string> findings,
                                                            const std::vector<Trip>& trips);

/// What the verdict trips, with the reason of type `scan`, code inbound_scan or outbound_scan. Nothing for
/// `pass`. The report of any other verdict holds at least one finding.
[[nodiscard]] std::optional<Trip> scan_trip(const screen::Report& report, screen::Verdict verdict,
                                            Direction direction);

/// What `look` reports. When it throws, an undecided report of one finding: a fault of the screening, which
/// whoever writes the mail may know how to cause, must neither let mail through nor keep it from ever
/// arriving.
[[nodiscard]] screen::Report screen_guarded(const std::function<screen::Report()>& look);

/// Screens what an agent is about to send, guarded. Takes about as long as composing it.
[[nodiscard]] screen::Report screen_draft(std::string_view author, const mailbox::Draft& draft);

/// An agent's sensitivity in the words of the screening.
[[nodiscard]] screen::Sensitivity sensitivity_of(account::Sensitivity sensitivity);

}  // namespace countersign::hold
