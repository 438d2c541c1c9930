#include "domain/deployment/state.hpp"

#include <array>

namespace fp::deployment {
namespace {

using enum State;
using E = Event;

// domain.md §13 "Client phases": detection, content at activation, enforcement at the deadline, detection again.
constexpr Transition kTable[] = {
    {waiting_schedule,     E::activated,           waiting_requirements},
    {waiting_schedule,     E::compliant,           already_installed},
    {waiting_schedule,     E::reevaluate,          waiting_schedule},
    {waiting_schedule,     E::policy_changed,      waiting_schedule},

    {waiting_requirements, E::requirements_met,    detecting},
    {waiting_requirements, E::requirements_failed, requirements_not_met},
    {waiting_requirements, E::interrupted,         waiting_requirements},
    {waiting_requirements, E::policy_changed,      waiting_schedule},

    {detecting,            E::compliant,           already_installed},
    {detecting,            E::not_compliant,       waiting_dependencies},
    {detecting,            E::detection_failed,    failed},
    {detecting,            E::interrupted,         detecting},
    {detecting,            E::policy_changed,      waiting_schedule},

    {waiting_dependencies, E::dependencies_ready,  waiting_content},
    {waiting_dependencies, E::dependency_failed,   failed},
    {waiting_dependencies, E::compliant,           already_installed},
    {waiting_dependencies, E::interrupted,         waiting_dependencies},
    {waiting_dependencies, E::policy_changed,      waiting_schedule},

    {waiting_content,      E::content_started,     downloading},
    {waiting_content,      E::content_ready,       downloaded},
    {waiting_content,      E::content_lost,        waiting_content},
    {waiting_content,      E::content_later,       waiting_retry},
    {waiting_content,      E::content_failed,      failed},
    {waiting_content,      E::interrupted,         waiting_content},
    {waiting_content,      E::reevaluate,          waiting_requirements},
    {waiting_content,      E::policy_changed,      waiting_schedule},

    {downloading,          E::content_started,     downloading},
    {downloading,          E::content_ready,       downloaded},
    {downloading,          E::content_lost,        waiting_content},
    {downloading,          E::content_later,       waiting_retry},
    {downloading,          E::content_failed,      failed},
    {downloading,          E::interrupted,         waiting_content},
    {downloading,          E::policy_changed,      waiting_schedule},

    {downloaded,           E::due,                 waiting_window},
    {downloaded,           E::content_lost,        waiting_content},
    {downloaded,           E::interrupted,         downloaded},
    {downloaded,           E::reevaluate,          waiting_requirements},
    {downloaded,           E::policy_changed,      waiting_schedule},

    {waiting_window,       E::window_open,         installing},
    {waiting_window,       E::content_lost,        waiting_content},
    {waiting_window,       E::interrupted,         waiting_window},
    {waiting_window,       E::reevaluate,          waiting_requirements},
    {waiting_window,       E::policy_changed,      waiting_schedule},

    {installing,           E::run_succeeded,       verifying},
    {installing,           E::run_needs_reboot,    waiting_reboot},
    {installing,           E::run_retry,           waiting_retry},
    {installing,           E::run_failed,          failed},
    {installing,           E::retries_exhausted,   failed},
    {installing,           E::content_lost,        waiting_content},
    {installing,           E::interrupted,         waiting_requirements},

    {verifying,            E::compliant,           succeeded},
    {verifying,            E::not_compliant,       failed},
    {verifying,            E::detection_failed,    failed},
    {verifying,            E::interrupted,         verifying},
    {verifying,            E::policy_changed,      waiting_schedule},

    {waiting_reboot,       E::rebooted,            verifying},
    {waiting_reboot,       E::interrupted,         waiting_reboot},
    {waiting_reboot,       E::reevaluate,          waiting_reboot},
    {waiting_reboot,       E::policy_changed,      waiting_schedule},

    {waiting_retry,        E::retry_due,           waiting_requirements},
    {waiting_retry,        E::retries_exhausted,   failed},
    {waiting_retry,        E::interrupted,         waiting_retry},
    {waiting_retry,        E::reevaluate,          waiting_requirements},
    {waiting_retry,        E::policy_changed,      waiting_schedule},

    {succeeded,            E::reevaluate,          waiting_requirements},
    {succeeded,            E::policy_changed,      waiting_schedule},
    {already_installed,    E::reevaluate,          waiting_requirements},
    {already_installed,    E::activated,           waiting_requirements},
    {already_installed,    E::policy_changed,      waiting_schedule},
    {failed,               E::reevaluate,          waiting_requirements},
    {failed,               E::activated,           waiting_requirements},
    {failed,               E::policy_changed,      waiting_schedule},
    {requirements_not_met, E::reevaluate,          waiting_requirements},
    {requirements_not_met, E::activated,           waiting_requirements},
    {requirements_not_met, E::policy_changed,      waiting_schedule},
};

constexpr std::array<std::string_view, kStates> kStateNames = {
    "waiting_schedule", "waiting_requirements", "detecting",  "waiting_dependencies", "waiting_content", "downloading",
    "downloaded",       "waiting_window",       "installing", "verifying",            "waiting_reboot",  "waiting_retry",
    "succeeded",        "already_installed",    "failed",     "requirements_not_met",
};
constexpr std::array<std::string_view, kEvents> kEventNames = {
    "activated",       "requirements_met", "requirements_failed", "compliant",       "not_compliant",  "detection_failed",
    "dependencies_ready", "dependency_failed", "content_started", "content_ready",   "content_lost",   "content_later",
    "content_failed",  "due",              "window_open",         "run_succeeded",   "run_needs_reboot", "run_retry",
    "run_failed",      "interrupted",      "rebooted",            "retry_due",       "retries_exhausted", "reevaluate",
    "policy_changed",
};

}  // namespace

std::span<const Transition> transitions() { return kTable; }

Result<State> next(State from, Event event) {
  for (const auto& t : kTable) {
    if (t.from == from && t.event == event) return t.to;
  }
  return fail(Code::conflict, "{} is no event of state {}", to_string(event), to_string(from));
}

bool is_final(State state) {
  return state == succeeded || state == already_installed || state == failed || state == requirements_not_met;
}

std::string_view to_string(State state) { return kStateNames.at(static_cast<std::size_t>(state)); }
std::string_view to_string(Event event) { return kEventNames.at(static_cast<std::size_t>(event)); }

Result<State> parse_state(std::string_view text) {
  for (std::size_t i = 0; i < kStateNames.size(); ++i) {
    if (kStateNames[i] == text) return static_cast<State>(i);
  }
  return fail(Code::invalid, "no enforcement state is called {}", text);
}

int topic_1702(State state, Failure failure) {
  switch (state) {
    case waiting_schedule:     return 2005;
    case waiting_requirements: return 2000;
    case detecting:            return 2000;
    case waiting_dependencies: return 2007;
    case waiting_content:      return 2001;
    case downloading:          return 2001;
    case downloaded:           return 2009;
    case waiting_window:       return 2004;
    case installing:           return 2002;
    case verifying:            return 2002;
    case waiting_reboot:       return 2008;
    case waiting_retry:        return 2015;
    case succeeded:            return 1000;
    case already_installed:    return 1001;
    case requirements_not_met: return 3000;
    case failed:               break;
  }
  switch (failure) {
    case Failure::general:              return 5000;
    case Failure::evaluating:           return 5001;
    case Failure::installing:           return 5002;
    case Failure::content:              return 5003;
    case Failure::dependency_install:   return 5004;
    case Failure::dependency_content:   return 5005;
    case Failure::rules_conflict:       return 5006;
    case Failure::retries_exhausted:    return 5007;
    case Failure::superseded_uninstall: return 5008;
    case Failure::superseded_content:   return 5009;
    case Failure::operating_system:     return 5014;
  }
  return 4000;
}

Failure failure_in(State state) {
  switch (state) {
    case waiting_requirements:
    case detecting:            return Failure::evaluating;
    case waiting_dependencies: return Failure::dependency_install;
    case waiting_content:
    case downloading:
    case downloaded:           return Failure::content;
    case installing:
    case verifying:            return Failure::installing;
    case waiting_retry:        return Failure::retries_exhausted;
    default:                   return Failure::general;
  }
}

}  // namespace fp::deployment
