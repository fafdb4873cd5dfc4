/** Makes every Node warning (deprecation, leaked listener, unhandled rejection) an error of the test file that caused it. */
process.on("warning", (warning) => {
  throw warning;
});
