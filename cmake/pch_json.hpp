// Besides pch.hpp, in rooms that speak JSON.
#pragma once
#include <boost/json.hpp>
