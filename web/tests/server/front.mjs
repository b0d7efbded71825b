// Serves web/dist before a server whose console was built earlier: everything but pages and assets is passed on.
import { createServer, request as ask } from "node:http";
import { serve_dist } from "../standin/server.mjs";

export async function start_front(backend) {
  const { hostname, port } = new URL(backend);
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    if (path.startsWith("/console") && !path.startsWith("/console/api/")) return serve_dist(path, response);
    const { method, headers, url } = request;
    const passed = ask({ hostname, port, path: url, method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}
