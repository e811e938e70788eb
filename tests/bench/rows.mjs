// The rows of a platform: what a message costs, how long its answer takes, what memory stays. ask(n) says message n and resolves to
// the milliseconds until its answer; places: as many as make everything known; tools: {cpu, resident, percentile, print} of bench.mjs.
import { wait } from '../e2e/harness.mjs';

const flight = 64;

export async function measure(what, pid, ask, places, { quick, direct, tools: { cpu, resident, percentile, print } }, placesName) {
  await Promise.all(Array.from({ length: places }, (_, n) => ask(n))); // names are known from here on
  const idle = resident(pid);

  const total = quick ? 1000 : 3000;
  let next = places;
  const before = cpu(pid), begun = performance.now();
  await Promise.all(Array.from({ length: flight }, async () => { while (next < places + total) await ask(next++); }));
  const seconds = (performance.now() - begun) / 1000;
  print(`${what} messages a second, ${flight} in flight`, Math.round(total / seconds));
  print(`${what} CPU a message`, Math.round((cpu(pid) - before) / total), 'us');

  const latencies = [], asked = [];
  for (let i = 0; i < (quick ? 200 : 600); i++) {
    asked.push(ask(next++).then((ms) => latencies.push(ms)));
    await wait(20);
  }
  await Promise.all(asked);
  print(`${what} added latency at 50 messages a second, p50`, (percentile(latencies, 0.5) - direct).toFixed(2), 'ms');
  print(`${what} added latency at 50 messages a second, p99`, (percentile(latencies, 0.99) - direct).toFixed(2), 'ms');
  print(`${what} memory after that load`, resident(pid).toFixed(1), `MB (before ${idle.toFixed(1)}, ${places} ${placesName})`);
}
