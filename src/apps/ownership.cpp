#include "apps/ownership.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace fp::apps {
namespace {

// Asked of the kernel itself, as that user: modes, groups, lists and folders on the way all count.
bool can_read(const ServiceUser& user, const Path& file) {
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    const bool became = ::initgroups(user.name.c_str(), user.group) == 0 && ::setgid(user.group) == 0 && ::setuid(user.user) == 0;
    ::_exit(became && ::open(file.c_str(), O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1);
  }
  int status = 1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

}  // namespace

Result<std::optional<ServiceUser>> service_user(const std::string& named) {
  if (::geteuid() != 0) {
    if (!named.empty()) return fail(Code::invalid, "--user {}: only root can give files to another user", named);
    return std::optional<ServiceUser>();
  }
  const std::string name = named.empty() ? kServiceUser : named;
  const passwd* entry = ::getpwnam(name.c_str());
  if (!entry && !named.empty()) return fail(Code::invalid, "--user {}: there is no such user", named);
  if (!entry) return std::optional<ServiceUser>();
  return std::optional<ServiceUser>({name, entry->pw_uid, entry->pw_gid});
}

Status must_read(const ServiceUser& user, const std::vector<Path>& files) {
  for (const auto& file : files)
    if (!file.empty() && !can_read(user, file))
      return fail(Code::invalid, "{} cannot be read by the user {}, which runs the service: put it where that user can read it",
                  file.native(), user.name);
  return {};
}

Status give_to(const ServiceUser& user, const Path& data, const Path& config) {
  std::error_code error;
  std::vector<Path> all{data};
  for (std::filesystem::recursive_directory_iterator it(data, error), end; !error && it != end; it.increment(error))
    all.push_back(it->path());
  if (error) return fail(Code::io, "reading folder {}: {}", data.native(), error.message());
  for (const auto& path : all)
    if (::lchown(path.c_str(), user.user, user.group) != 0) return fail_errno("giving to the user " + user.name + ":", path.native());
  if (::chown(config.c_str(), 0, user.group) != 0) return fail_errno("giving to the group of " + user.name + ":", config.native());
  return {};
}

}  // namespace fp::apps
