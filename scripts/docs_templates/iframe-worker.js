// Browsers start no workers in pages opened as files, and the search is a worker. In such pages this class takes the
// place of Worker: the script runs in a hidden frame, and messages are copied to and from it.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(url) {
      this.onmessage = null
      this.onerror = null
      this.waiting = []
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      this.frame.srcdoc = "<!doctype html><body></body>"
      this.frame.onload = () => this.#run(new URL(url, document.baseURI))
      document.body.append(this.frame)
    }

    #run(url) {
      const inner = this.frame.contentWindow
      inner.postMessage = data => this.#deliver(this, data)
      const script = inner.document.createElement("script")
      script.src = url
      script.onload = () => {
        this.inner = inner
        this.waiting.forEach(data => this.#deliver(inner, data))
      }
      script.onerror = () => this.onerror?.(new Event("error"))
      inner.document.body.append(script)
    }

    #deliver(receiver, data) {
      const copy = structuredClone(data)
      setTimeout(() => receiver.onmessage?.({ data: copy }))
    }

    postMessage(data) {
      if (this.inner) this.#deliver(this.inner, data)
      else this.waiting.push(data)
    }

    terminate() {
      this.frame.remove()
    }
  }
}
