// Who owns what `farpointd init` made. The service runs as an unprivileged user; what root makes must be readable for it, and
// for nobody else. One thread, once; looks users up in the system's database.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace fp::apps {

constexpr const char* kServiceUser = "farpoint";  // the package makes it

struct ServiceUser {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
};

// Whom a set-up by this process should give its files to. `named`: --user; empty means kServiceUser where there is one. Absent:
// nobody, the files stay with who runs this. Code::invalid: no such user, or only root can give files away.
[[nodiscard]] Result<std::optional<ServiceUser>> service_user(const std::string& named);

// Code::invalid, naming the file: the user cannot read it where it lies.
[[nodiscard]] Status must_read(const ServiceUser& user, const std::vector<Path>& files);

// The data folder with all in it becomes the user's; modes stay (keys 0600). The configuration stays root's and is readable for
// the user's group.
[[nodiscard]] Status give_to(const ServiceUser& user, const Path& data, const Path& config);

}  // namespace fp::apps
