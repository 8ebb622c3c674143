import assert from "node:assert/strict";
import * as api from "./hey-api";
import { client } from "./hey-api/client.gen";

const [baseUrl, auth] = process.argv.slice(2) as [string, string];
client.setConfig({ baseUrl, auth });

async function main(): Promise<void> {
  const created = await api.clientsCreate({
    body: { name: "Acme", email: "", default_hourly_rate: 75.5, status: "active" },
  });
  assert.equal(created.response!.status, 201);
  const id = created.data!.client.id;
  const listed = await api.clientsList({ query: { status: "active", per_page: 10 } });
  assert.deepEqual(listed.data!.clients.map((each) => each.name), ["Acme"]);

  const twin = await api.clientsCreate({ body: { name: "ACME" } });
  assert.equal(twin.response!.status, 409);
  assert.ok(twin.error && "conflicting_id" in twin.error);
  assert.equal(twin.error.conflicting_id, id);

  const tag = (await api.clientsRetrieve({ path: { id } })).response!.headers.get("etag")!;
  const change = (phone: string) =>
    api.clientsPartialUpdate({ path: { id }, headers: { "If-Match": tag }, body: { phone } });
  assert.equal((await change("1")).data!.client.phone, "1");
  assert.equal((await change("2")).response!.status, 412);

  const project = await api.projectsCreate({ body: { name: "App", client_id: id } });
  const body = { project_id: project.data!.project.id, tags: "a,b" };
  const started = await api.timerStart({ body });
  assert.equal(started.data!.timer.end_time, null);
  const again = await api.timerStart({ body });
  assert.equal(again.response!.status, 409);
  assert.ok(again.error && "timer" in again.error);
  assert.equal(again.error.timer?.id, started.data!.timer.id);
  const status = await api.timerStatus();
  assert.equal(status.data!.timer?.project_name, "App");
  const stopped = await api.timerStop();
  assert.deepEqual(stopped.data!.time_entry.tag_list, ["a", "b"]);
}

void main();
