// Receive webhooks: WEBHOOK_SECRET=whsec_… node receive_webhooks.mjs 9000
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace("whsec_", ""), "base64");
const seen = new Set(); // keep it in your database, with the work that an event leads to

function isGenuine(headers, body) {
  const stamp = headers["webhook-timestamp"] ?? "0";
  const expected = createHmac("sha256", key)
    .update(`${headers["webhook-id"]}.${stamp}.`)
    .update(body)
    .digest();
  const isRecent = Math.abs(Date.now() / 1000 - Number(stamp)) < 300;
  const given = (headers["webhook-signature"] ?? "").split(" ");
  return isRecent && given.some((each) => {
    const digest = Buffer.from(each.replace("v1,", ""), "base64");
    return digest.length === expected.length && timingSafeEqual(digest, expected);
  });
}

createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts);
    const genuine = isGenuine(request.headers, body);
    response.writeHead(genuine ? 204 : 401).end(); // at once: work comes afterwards
    const id = request.headers["webhook-id"];
    if (genuine && !seen.has(id)) {
      seen.add(id);
      const event = JSON.parse(body);
      console.log(event.type, JSON.stringify(event.data));
    }
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
