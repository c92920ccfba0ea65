// What the services have in common: where the event bus is.
const publish = async (event) => {
  const res = await fetch(`${process.env.BUS}/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json;charset=utf-8' },
    body: JSON.stringify(event),
  });
  if (!res.ok) {
    throw new Error(`the event bus answers ${res.status}: ${await res.text()}`);
  }
};

module.exports = { publish };
