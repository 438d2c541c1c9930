// Besides pch_json.hpp, in the programs.
#pragma once
#include <iostream>

#include <CLI/CLI.hpp>
