#include "sim/cli.hpp"

#include <cstdlib>
#include <systemc>

int sc_main(int argc, char* argv[])
{
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    return heddle::run_cli(argc, argv);
}

// Ours instead of the SystemC library's: it prints its banner before sc_main could ask it not to.
int main(int argc, char* argv[])
{
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
