# Builds web/ with the packages that its lock file names:
#   cmake -D WEB=… -D NPM=… -P build_web.cmake
# The packages stay in web/node_modules, which all build trees share; they are fetched when the lock file is newer.
set(installed "${WEB}/node_modules/.package-lock.json")
if(NOT EXISTS "${installed}" OR "${WEB}/package-lock.json" IS_NEWER_THAN "${installed}")
  execute_process(COMMAND "${NPM}" ci --ignore-scripts WORKING_DIRECTORY "${WEB}" RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "cannot get the packages of web/ (npm ci); is there a network? -D COUNTERSIGN_CONSOLE=OFF "
      "builds the server without its console")
  endif()
  file(TOUCH "${installed}")
endif()
execute_process(COMMAND "${NPM}" run --silent build WORKING_DIRECTORY "${WEB}" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the console's front end does not build (npm run build in web/)")
endif()
