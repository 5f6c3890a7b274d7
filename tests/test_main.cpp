// Catch2's session inside sc_main: SystemC owns main(). Its banner goes to stderr and does not disturb discovery.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <systemc>

int sc_main(int argc, char* argv[])
{
    sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_THROW);
    return Catch::Session().run(argc, argv);
}
