// The compiled part of Boost.Beast (BOOST_BEAST_SEPARATE_COMPILATION), once for the program.
#include <boost/beast/src.hpp>
