import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./openapi-typescript/schema";

const [baseUrl, token] = process.argv.slice(2) as [string, string];
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

async function main(): Promise<void> {
  const created = await api.POST("/api/v1/clients", {
    body: { name: "Acme", email: "", default_hourly_rate: 75.5, status: "active" },
  });
  assert.equal(created.response.status, 201);
  const id = created.data!.client.id;
  const listed = await api.GET("/api/v1/clients", {
    params: { query: { status: "active", per_page: 10 } },
  });
  assert.deepEqual(listed.data!.clients.map((client) => client.name), ["Acme"]);

  const twin = await api.POST("/api/v1/clients", { body: { name: "ACME" } });
  assert.equal(twin.response.status, 409);
  assert.ok(twin.error && "conflicting_id" in twin.error);
  assert.equal(twin.error.conflicting_id, id);

  const tag = (await api.GET("/api/v1/clients/{id}", { params: { path: { id } } })).response.headers.get("etag")!;
  const change = (phone: string) =>
    api.PATCH("/api/v1/clients/{id}", {
      params: { path: { id }, header: { "If-Match": tag } },
      body: { phone },
    });
  assert.equal((await change("1")).data!.client.phone, "1");
  assert.equal((await change("2")).response.status, 412);

  const project = await api.POST("/api/v1/projects", { body: { name: "App", client_id: id } });
  const body = { project_id: project.data!.project.id, tags: "a,b" };
  const started = await api.POST("/api/v1/timer/start", { body });
  assert.equal(started.data!.timer.end_time, null);
  const again = await api.POST("/api/v1/timer/start", { body });
  assert.equal(again.response.status, 409);
  assert.ok(again.error && "timer" in again.error);
  assert.equal(again.error.timer?.id, started.data!.timer.id);
  const status = await api.GET("/api/v1/timer/status");
  assert.equal(status.data!.timer?.project_name, "App");
  const stopped = await api.POST("/api/v1/timer/stop");
  assert.deepEqual(stopped.data!.time_entry.tag_list, ["a", "b"]);
}

void main();
