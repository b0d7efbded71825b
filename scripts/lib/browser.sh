# Sourced by scripts that run browser tests: what drives the browser (playwright-core, from npm) in build/browser.
# The browser is Debian's. Without the network there is none; tests/browser then skips, except in continuous
# integration.
install_browser_driver() {
  local folder=$root/build/browser lock=$root/tests/browser/package-lock.json
  if cmp -s "$lock" "$folder/package-lock.json" && [ -d "$folder/node_modules/playwright-core" ]; then return; fi
  say "installing what drives the browser from npm"
  mkdir -p "$folder"
  cp "$root/tests/browser/package.json" "$lock" "$folder/"
  npm ci --prefix "$folder" --no-fund --no-audit --silent --ignore-scripts ||
    { rm -f "$folder/package-lock.json"; say "cannot get it: tests in a browser will be skipped"; }
}
