// A folder for each test of this room.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/file.hpp"

namespace fp::fsp {

class TestFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/farpoint-fsp-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { (void)remove_tree(dir_); }
  Path dir_;
};

}  // namespace fp::fsp
