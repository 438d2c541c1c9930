// A script in a file of its own that only its owner reads and that is gone afterwards: its text stands in no list of processes.
// Internal to the room. One thread.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "packages/installer.hpp"

namespace fp::packages {

class ScriptFile {
 public:
  [[nodiscard]] static Result<ScriptFile> make(const Path& folder, std::string_view text);
  ScriptFile(ScriptFile&& other) noexcept : name_(std::exchange(other.name_, {})) {}
  ScriptFile& operator=(ScriptFile&&) = delete;
  ~ScriptFile();
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  explicit ScriptFile(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

}  // namespace fp::packages
