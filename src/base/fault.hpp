// Fault points: names for the effect boundaries of the program, where a test may make things go wrong.
//
// Compiled in when COUNTERSIGN_FAULT_POINTS is on (every preset but release and bench); elsewhere CS_FAULT is
// nothing.
// Tests arm a point in process with fault::arm; end-to-end tests arm it from outside with
//   COUNTERSIGN_FAULT="outbox.claimed=kill"          SIGKILL at the first passage
//   COUNTERSIGN_FAULT="outbox.claimed@3=throw"       EnvironmentError at the third passage
//   COUNTERSIGN_FAULT="outbox.claimed=stop"          SIGSTOP, until somebody sends SIGCONT
//   COUNTERSIGN_FAULT="a=kill,b@2=throw"             several
//   COUNTERSIGN_FAULT="a>b=kill"                     at the first passage of b behind the first of a, in one
//   thread
// A process that is to meet many faults in turn is given COUNTERSIGN_FAULT_FILE=PATH: when a point is passed
// and PATH exists, it is taken away, and its text armed as above before that passage counts. Every point that
// acts is noted in PATH.acted first.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::fault {

enum class Action {
  throw_error,  // EnvironmentError, retryable
  kill,         // SIGKILL to the own process
  stop,         // SIGSTOP to the own process
  call,         // run a function (in-process tests only)
};

/// Arms `name`: the `nth` passage (1 = next) performs `action`, later ones pass. Replaces an earlier arming.
void arm(std::string_view name, int nth, Action action, std::function<void()> call = {});
/// Disarms everything and forgets what was passed.
void reset();
/// Names passed since the last reset, in order (bounded; for the nth-fault loop).
[[nodiscard]] std::vector<std::string> passed();
/// Arms what a text like those above says. Throws EnvironmentError (not retryable) on one it does not
/// understand.
void arm_text(std::string_view text);
/// Reads COUNTERSIGN_FAULT and COUNTERSIGN_FAULT_FILE. Throws as arm_text does.
void arm_from_environment();

/// The program passes the point `name`.
void point(std::string_view name);

}  // namespace countersign::fault

#ifdef COUNTERSIGN_FAULT_POINTS
#define CS_FAULT(name) ::countersign::fault::point(name)
#else
#define CS_FAULT(name) static_cast<void>(0)
#endif
