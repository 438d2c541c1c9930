// The subset of WQL that collection rules are written in (docs/wql.md): text to tree and back. Any thread; pure.
// Cost: one pass; text of 16 KiB, 32 levels of brackets, 1000 conditions and 5000 literals at most.
// Never: reads a property's value, or lets through what the storage cannot compile.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/query.hpp"

namespace fp::collection {

inline constexpr const char* kSystemClass = "SMS_R_System";  // the device itself; inventory is SMS_G_System_<CLASS>

// Code::invalid: "WQL column 37: expected a value after LIKE, found ..." (columns count from 1).
// In the tree classes are SMS_R_System or SMS_G_System_<UPPER CASE>, aliases resolved.
[[nodiscard]] Result<Query> parse_wql(std::string_view text);

// The same query in one spelling; parse_wql reads it back to the same tree.
[[nodiscard]] std::string print_wql(const Query& query);

// What makes two spellings of an inventory class one: Win32_OperatingSystem, SMS_G_System_OPERATING_SYSTEM and
// OPERATING_SYSTEM are all "OPERATINGSYSTEM".
[[nodiscard]] std::string class_key(std::string_view class_name);

}  // namespace fp::collection
