#include "packages/runner.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "packages/processes.hpp"

namespace fp::packages {
namespace {

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int kTickMs = 200;       // how soon a cancel is seen
constexpr int kNoPidfdTickMs = 20;

// The last bytes of a stream.
class Tail {
 public:
  explicit Tail(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  void add(std::string_view bytes) {
    total_ += static_cast<std::int64_t>(bytes.size());
    kept_ += bytes;
    if (kept_.size() > 2 * bytes_max_) cut();
  }
  std::string take() { cut(); return std::move(kept_); }
  [[nodiscard]] std::int64_t total() const { return total_; }

 private:
  void cut() { if (kept_.size() > bytes_max_) kept_.erase(0, kept_.size() - bytes_max_); }
  std::size_t bytes_max_;
  std::string kept_;
  std::int64_t total_ = 0;
};

struct Stream {
  Fd read_end;
  Tail tail;
  // False at the end of the stream. Reads what is there, `bytes_max` at most.
  bool drain(std::size_t bytes_max) {
    std::array<char, 65536> buffer;
    for (std::size_t got = 0; got < bytes_max;) {
      const ssize_t n = ::read(read_end.get(), buffer.data(), buffer.size());
      if (n > 0) {
        tail.add({buffer.data(), static_cast<std::size_t>(n)});
        got += static_cast<std::size_t>(n);
      } else if (n < 0 && errno == EINTR) {
        continue;
      } else {
        return n < 0 && errno == EAGAIN;
      }
    }
    return true;
  }
};

Result<std::pair<Fd, Fd>> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe");
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Result<std::string> find_program(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) return fail(Code::invalid, "no command to run");
  for (const auto& arg : command.argv) {
    if (arg.find('\0') != arg.npos) return fail(Code::invalid, "a command argument holds a NUL");
  }
  const std::string& name = command.argv[0];
  if (name.find('/') != name.npos) {
    const Path full = name.starts_with('/') ? Path(name) : command.folder / name;
    if (::access(full.c_str(), X_OK) != 0) return fail(Code::not_found, "no program {}", full.string());
    return full.string();
  }
  for (const auto dir : split(kPath, ':')) {
    std::string full = fmt::format("{}/{}", dir, name);
    if (::access(full.c_str(), X_OK) == 0) return full;
  }
  return fail(Code::not_found, "no program {} in {}", name, kPath);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
};

Result<Account> account_of(const std::string& name) {
  std::array<char, 16384> buffer;
  passwd entry{}, *found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return fail(Code::not_found, "no user {} on this machine", name);
  }
  return Account{entry.pw_uid, entry.pw_gid, entry.pw_dir};
}

std::vector<std::string> environment_of(const Command& command, const std::optional<Account>& account) {
  std::map<std::string, std::string> all = {{"PATH", kPath}, {"LANG", "C.UTF-8"}, {"LC_ALL", "C.UTF-8"}, {"HOME", "/root"}};
  if (account) {
    all["HOME"] = account->home;
    all["USER"] = all["LOGNAME"] = command.user;
  }
  for (const auto& [name, value] : command.environment) all[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : all) out.push_back(name + "=" + value);
  return out;
}

// Everything the child needs, made before the fork: after it only system calls are allowed.
struct Launch {
  const char* program;
  const char* folder;
  char* const* arguments;
  char* const* environment;
  char* pid_digits;  // in the mark, to be overwritten
  int out_fd, err_fd, error_fd;
  mode_t umask;
  const Account* account;
};

constexpr int kErrorFd = 3;

[[noreturn]] void become(const Launch& l) {
  const auto give_up = [](int fd) {
    const int error = errno;
    (void)!::write(fd, &error, sizeof error);
    ::_exit(127);
  };
  ::setsid();
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s) ::sigaction(s, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int in_fd = ::open("/dev/null", O_RDONLY);
  if (in_fd < 0 || ::dup2(in_fd, 0) < 0 || ::dup2(l.out_fd, 1) < 0 || ::dup2(l.err_fd, 2) < 0) give_up(l.error_fd);
  if (l.error_fd != kErrorFd && ::dup2(l.error_fd, kErrorFd) < 0) give_up(l.error_fd);
  ::fcntl(kErrorFd, F_SETFD, FD_CLOEXEC);
  ::closefrom(kErrorFd + 1);
  ::umask(l.umask);
  // Entered with the rights of this process: the way to the content is closed to others.
  if (::chdir(l.folder) != 0) give_up(kErrorFd);
  if (l.account != nullptr) {
    const gid_t gid = l.account->gid;
    if (::syscall(SYS_setgroups, 1, &gid) != 0 || ::syscall(SYS_setgid, gid) != 0 ||
        ::syscall(SYS_setuid, l.account->uid) != 0) {
      give_up(kErrorFd);
    }
  }
  put_run_pid(l.pid_digits, ::getpid());
  ::execve(l.program, l.arguments, l.environment);
  give_up(kErrorFd);
  ::_exit(127);
}

// `mark` comes back with the child's process id in it.
Result<pid_t> spawn(const Command& command, const std::string& program, std::string& mark, int out_fd, int err_fd) {
  std::optional<Account> account;
  if (!command.user.empty()) {
    FP_TRY(found, account_of(command.user));
    account = std::move(found);
  }
  std::vector<std::string> arguments = command.argv, environment = environment_of(command, account);
  auto arguments_at = pointers(arguments), environment_at = pointers(environment);
  environment_at.insert(environment_at.end() - 1, mark.data());
  FP_TRY(error_pipe, make_pipe());
  const Launch launch{program.c_str(), command.folder.c_str(), arguments_at.data(), environment_at.data(),
                      mark.data() + kRunMark.size(), out_fd, err_fd, error_pipe.second.get(), command.umask,
                      account ? &*account : nullptr};
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("starting", program);
  if (pid == 0) become(launch);
  put_run_pid(mark.data() + kRunMark.size(), pid);
  error_pipe.second = Fd();
  int error = 0;
  pollfd wait{error_pipe.first.get(), POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {}
  if (::read(error_pipe.first.get(), &error, sizeof error) == sizeof error) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
    errno = error;
    return fail_errno("starting", program);
  }
  return pid;
}

// One run from its start to its end.
class Watch {
 public:
  Watch(const Command& command, const Clock& clock, pid_t pid, std::string mark, Stream& out, Stream& err)
      : command_(command),
        clock_(clock),
        pid_(pid),
        pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
        mark_(std::move(mark)),
        out_(out),
        err_(err),
        started_ms_(clock.steady_ms()) {}

  Run follow() {
    while (!ended()) {
      wait_for_something();
      end_if_due();
    }
    // What stays in the group is killed while the zombie still holds the group's id.
    if (ending_) kill_run(pid_, mark_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    if (ending_) kill_marked_until_none(mark_);
    if (out_open_) out_.drain(command_.output_bytes_max + 65536);
    if (err_open_) err_.drain(command_.output_bytes_max + 65536);
    if (WIFSIGNALED(status)) run_.signal = WTERMSIG(status);
    if (WIFEXITED(status)) run_.exit_code = WEXITSTATUS(status);
    run_.out_bytes = out_.tail.total();
    run_.err_bytes = err_.tail.total();
    run_.out = out_.tail.take();
    run_.err = err_.tail.take();
    run_.duration_ms = clock_.steady_ms() - started_ms_;
    return std::move(run_);
  }

 private:
  [[nodiscard]] bool ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
  }
  void wait_for_something() {
    pollfd fds[3] = {{out_open_ ? out_.read_end.get() : -1, POLLIN, 0}, {err_open_ ? err_.read_end.get() : -1, POLLIN, 0},
                     {pidfd_.get(), POLLIN, 0}};
    const std::int64_t next_ms = ending_ ? killed_ ? kTickMs : kill_at_ms_ - clock_.steady_ms()
                                         : started_ms_ + command_.limit_ms - clock_.steady_ms();
    const int tick = pidfd_.ok() ? kTickMs : kNoPidfdTickMs;
    if (::poll(fds, 3, static_cast<int>(std::clamp<std::int64_t>(next_ms, 0, tick))) <= 0) return;
    if (fds[0].revents != 0) out_open_ = out_.drain(1U << 20);
    if (fds[1].revents != 0) err_open_ = err_.drain(1U << 20);
  }
  void end_if_due() {
    const std::int64_t now = clock_.steady_ms();
    if (!ending_) {
      run_.cancelled = command_.cancel != nullptr && command_.cancel->load();
      run_.timed_out = !run_.cancelled && now - started_ms_ >= command_.limit_ms && !ended();
      if (!run_.cancelled && !run_.timed_out) return;
      ending_ = true;
      kill_at_ms_ = now + command_.kill_after_ms;
      kill_run(pid_, mark_, SIGTERM);
    } else if (!killed_ && now >= kill_at_ms_) {
      killed_ = true;
      kill_run(pid_, mark_, SIGKILL);
    }
  }

  const Command& command_;
  const Clock& clock_;
  const pid_t pid_;
  const Fd pidfd_;
  const std::string mark_;
  Stream& out_;
  Stream& err_;
  const std::int64_t started_ms_;
  bool out_open_ = true, err_open_ = true, ending_ = false, killed_ = false;
  std::int64_t kill_at_ms_ = 0;
  Run run_;
};

}  // namespace

void Runner::pause(std::int64_t ms, const std::atomic<bool>* cancel) {
  for (std::int64_t left = ms; left > 0 && !(cancel != nullptr && cancel->load()); left -= kTickMs) {
    ::poll(nullptr, 0, static_cast<int>(std::min<std::int64_t>(left, kTickMs)));
  }
}

Result<Run> ProcessRunner::run(const Command& command) {
  static std::atomic<std::uint64_t> count{0};
  FP_TRY(program, find_program(command));
  if (::access(command.folder.c_str(), X_OK) != 0) return fail_errno("entering", command.folder.string());
  FP_TRY(out_pipe, make_pipe());
  FP_TRY(err_pipe, make_pipe());
  const std::string room_for_pid(kRunPidDigits, '0');
  std::string mark = fmt::format("{}{}-{}-{}-{}", kRunMark, room_for_pid, ::getpid(), clock_.steady_ms(), ++count);
  FP_TRY(pid, spawn(command, program, mark, out_pipe.second.get(), err_pipe.second.get()));
  out_pipe.second = Fd();
  err_pipe.second = Fd();
  Stream out{std::move(out_pipe.first), Tail(command.output_bytes_max)},
      err{std::move(err_pipe.first), Tail(command.output_bytes_max)};
  return Watch(command, clock_, pid, mark, out, err).follow();
}

Command shell_command(std::string_view text, const Path& folder) {
  Command out;
  out.argv = {"/bin/sh", "-c", std::string(text)};
  if (!folder.empty()) out.folder = folder;
  return out;
}

std::string describe(const Run& run) {
  std::string out;
  if (run.cancelled) out = "cancelled";
  else if (run.timed_out) out = "killed at its limit";
  else if (run.signal != 0) out = fmt::format("ended by signal {}", run.signal);
  else out = fmt::format("exit code {}", run.exit_code);
  out += fmt::format(" after {} s", run.duration_ms / 1000);
  std::string_view words = trim(run.err.empty() ? run.out : run.err);
  if (const auto line = words.rfind('\n'); line != words.npos) words = words.substr(line + 1);
  if (!words.empty()) out += fmt::format(": {}", words.substr(0, 300));
  return out;
}

}  // namespace fp::packages
