// The command line: which subcommand, and what its end means for the exit code.
#pragma once

namespace heddle {

/// 0 done, 1 a check failed, 2 the user's mistake; the latter two with one line on stderr.
int run_cli(int argc, const char* const* argv);

} // namespace heddle
