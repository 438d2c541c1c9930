#include "apps/agent_resident.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <span>

#include "base/log.hpp"
#include "base/text.hpp"

extern char** environ;

namespace fp::apps {

namespace {
constexpr std::size_t kCallersMax = 16, kCommandBytesMax = 4096;

// Whether this computer lost an address by which others are reached: connections from there lead nowhere any more.
bool tells_of_a_lost_address(std::span<char> messages) {
  auto left = static_cast<unsigned>(messages.size());
  for (auto* m = reinterpret_cast<nlmsghdr*>(messages.data()); NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
    if (m->nlmsg_type != RTM_DELADDR || m->nlmsg_len < NLMSG_LENGTH(sizeof(ifaddrmsg))) continue;
    if (static_cast<const ifaddrmsg*>(NLMSG_DATA(m))->ifa_scope == RT_SCOPE_UNIVERSE) return true;
  }
  return false;
}
}  // namespace

Resident::Resident(ResidentOptions options, const Clock& clock, Random& random)
    : options_(std::move(options)), clock_(clock), schedule_(random) {}

Status Resident::open_socket() {
  FP_CHECK(make_dirs(options_.run_dir, 0755));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto name = options_.socket.string();
  if (name.size() >= sizeof address.sun_path) return fail(Code::invalid, "{}: the path is too long for a socket", name);
  name.copy(address.sun_path, name.size());
  Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    return fail(Code::conflict, "another farpoint-agent runs already: it answers at {}", name);
  }
  ::unlink(name.c_str());
  listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t old = ::umask(0177);
  const int bound = ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::umask(old);
  if (bound != 0 || ::listen(listener_.get(), 8) != 0) return fail_errno("listening at", name);
  return {};
}

Status Resident::open_all() {
  FP_CHECK(open_socket());
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGCHLD, SIGHUP}) sigaddset(&set, s);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGUSR1, SIG_IGN);  // inherited: it must not end a worker that has not come to its handler yet
  signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  timer_ = Fd(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!signals_.ok() || !timer_.ok()) return fail_errno("setting up timers and signals");
  netlink_ = Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE;
  if (!netlink_.ok() || ::bind(netlink_.get(), reinterpret_cast<sockaddr*>(&groups), sizeof groups) != 0) {
    log::warning("agent", "changes of the network cannot be seen; location is looked at with every refresh");
    netlink_ = Fd();
  }
  return {};
}

// Absolute time of day, so that sleep of the machine and a clock that is set count as time that passed.
void Resident::arm() {
  itimerspec spec{};
  const auto at = std::max<std::int64_t>(1, schedule_.wake_at().ms);
  spec.it_value.tv_sec = at / 1000;
  spec.it_value.tv_nsec = at % 1000 * 1'000'000 + 1;
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, nullptr);
}

void Resident::start_worker() {
  if (worker_ != 0 || ending_) return;
  std::vector<std::string> words = {options_.program, "worker"};
  words.insert(words.end(), options_.place.begin(), options_.place.end());
  if (schedule_.network_pending()) words.emplace_back("--network-changed");
  if (started_) words.emplace_back("--started");
  for (const auto& cycle : now_) words.insert(words.end(), {"--now", cycle});
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, options_.program.c_str(), nullptr, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    log::error("agent", "starting {}: error {}", options_.program, failed);
    schedule_.worker_ended(clock_.now(), std::nullopt);
    arm();
    return;
  }
  worker_ = child;
  schedule_.worker_started(clock_.now());
  started_ = false;
  now_.clear();
  for (auto& c : callers_) c.waiting = c.waiting || c.text == "queued";
}

void Resident::worker_ended() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != worker_) continue;
    worker_ = 0;
    std::optional<Instant> asked;
    if (WIFEXITED(status)) {
      if (auto text = read_file(options_.next_file, 64)) {
        if (auto at = parse_int(trim(*text))) asked = Instant{*at};
      }
    } else {
      log::error("agent", "the worker was ended by signal {}", WTERMSIG(status));
    }
    schedule_.worker_ended(clock_.now(), asked);
    const auto line = fmt::format("done {}\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    std::erase_if(callers_, [&](Caller& c) {
      if (c.waiting) tell(c, line);
      return c.waiting;
    });
    if (!now_.empty()) schedule_.at_once(clock_.now());
    arm();
  }
}

void Resident::read_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) worker_ended();
    else if (info.ssi_signo == SIGHUP) now_.insert("policy"), start_worker();
    else ending_ = true;
  }
}

void Resident::read_netlink() {
  alignas(nlmsghdr) char buffer[8192];
  bool seen = false, lost = false;
  // An overrun (ENOBUFS) means that there was more than fits: a change in any case.
  for (;;) {
    const auto n = ::recv(netlink_.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno != ENOBUFS) break;
    seen = true;
    if (n == 0) break;
    if (n > 0) lost = lost || tells_of_a_lost_address({buffer, static_cast<std::size_t>(n)});
  }
  // Its calls would wait for answers until their time limits; the next worker begins with them once the network has settled.
  if (lost && worker_ != 0) ::kill(worker_, SIGUSR1);
  if (!seen || schedule_.network_pending()) return;
  schedule_.network_changed(clock_.now());
  arm();
}

void Resident::wake() {
  std::uint64_t count = 0;
  const bool clock_was_set = ::read(timer_.get(), &count, sizeof count) < 0 && errno == ECANCELED;
  const auto now = clock_.now();
  if (clock_was_set) schedule_.clock_was_set(now);
  if (schedule_.network_due(now) && worker_ != 0) {
    ::kill(worker_, SIGUSR1);  // its connections lead nowhere; the next worker follows at its end
    now_.insert("location");
    schedule_.network_noted(now);
  } else if (schedule_.due(now)) {
    start_worker();
  }
  arm();
}

void Resident::tell(Caller& caller, std::string_view line) {
  (void)::send(caller.fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Resident::accept_caller() {
  Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd.ok() && callers_.size() < kCallersMax) callers_.push_back({std::move(fd), {}, false});
}

bool Resident::serve(Caller& caller) {
  char buffer[1024];
  const auto n = ::recv(caller.fd.get(), buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN) return true;
  if (n <= 0) return false;
  if (caller.waiting || caller.text == "queued") return true;
  caller.text.append(buffer, static_cast<std::size_t>(n));
  const auto end = caller.text.find('\n');
  if (end == std::string::npos) return caller.text.size() <= kCommandBytesMax;
  const std::string command = caller.text.substr(0, end);
  const auto words = split(command, ' ');
  if (words[0] == "evaluate") {
    for (std::size_t w = 1; w < words.size(); ++w) {
      const bool good = !words[w].empty() && words[w].find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
      if (good) now_.emplace(words[w]);
    }
    caller.text = "queued";
    start_worker();  // while one runs, the next follows at its end
    return true;
  }
  if (words[0] == "stop") ending_ = true;
  const auto state = worker_ != 0 ? "working" : "sleeping";
  tell(caller, fmt::format("ok {} {} {}\n", ::getpid(), state, to_iso(schedule_.next())));
  return false;
}

Status Resident::run() {
  FP_CHECK(open_all());
  log::info("agent", "resident part started, process {}", ::getpid());
  schedule_.at_once(clock_.now());
  start_worker();
  std::vector<pollfd> fds;
  while (!ending_) {
    fds.clear();
    for (const Fd* fd : {&timer_, &signals_, &netlink_, &listener_}) fds.push_back({fd->get(), POLLIN, 0});
    for (const auto& c : callers_) fds.push_back({c.fd.get(), POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("waiting");
    if (fds[0].revents != 0) wake();
    const std::size_t before = callers_.size();
    for (std::size_t c = before; c-- > 0;) {
      if (fds[4 + c].revents != 0 && !serve(callers_[c])) callers_.erase(callers_.begin() + static_cast<std::ptrdiff_t>(c));
    }
    if (fds[1].revents != 0) read_signals();
    if (fds[2].revents != 0) read_netlink();
    if (fds[3].revents != 0) accept_caller();
  }
  log::info("agent", "ending");
  ::unlink(options_.socket.c_str());
  if (worker_ != 0) {
    ::kill(worker_, SIGTERM);
    ::waitpid(worker_, nullptr, 0);
  }
  return {};
}

}  // namespace fp::apps
