// The two ways a run can end badly, told apart by exit code (README, "Exit codes").
#pragma once

#include <stdexcept>
#include <string>

namespace heddle {

/// The user's mistake: bad file, key, flag or a layer that cannot fit. One line, exit code 2.
class UserError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A check of ours failed: values differ from the reference, deadlock, broken conservation. Exit code 1.
class CheckFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace heddle
