// A relay that takes a whole message and then loses its answer, or answers, as it is told.
import { createServer } from "node:net";

export async function start_relay() {
  const relay = { answer: null, taken: 0 }; // answer: what to say to the final dot; null hangs up
  const sockets = new Set();
  const server = createServer((socket) => {
    let content = false;
    let line = "";
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.setEncoding("latin1");
    socket.write("220 relay.example ESMTP\r\n");
    socket.on("data", (text) => {
      line += text;
      let end;
      while ((end = line.indexOf("\r\n")) >= 0) {
        const one = line.slice(0, end);
        line = line.slice(end + 2);
        if (content) {
          if (one !== ".") continue;
          content = false;
          relay.taken++;
          if (relay.answer === null) socket.destroy();
          else socket.write(`${relay.answer}\r\n`);
        } else if (/^DATA/i.test(one)) {
          content = true;
          socket.write("354 go on\r\n");
        } else if (/^QUIT/i.test(one)) socket.end("221 bye\r\n");
        else socket.write("250 ok\r\n");
      }
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(relay, { port: server.address().port, stop });
}
